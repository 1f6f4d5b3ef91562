package local

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"sync"

	"github.com/sandflare/sandflare-go/internal/local/dockerfile"
	"github.com/sandflare/sandflare-go/internal/local/guest"
	"github.com/sandflare/sandflare-go/internal/wire"
)

// The states of a build, beside ready.
const (
	pending  = "pending"
	building = "building"
	failed   = "failed"
)

// builtIn are the service's own templates. Here each is a plain sandbox with
// the host's tools; they are in no list, which shows what was built.
var builtIn = []string{
	"code-interpreter", "sandbox-python", "sandbox-node", "sandbox-full", "coding-agent",
	"codebox", "ai-agent", "browser-agent", "nextjs", "vite-react",
}

// template is what a build leaves: files and an environment to begin with.
type template struct {
	copying sync.RWMutex // held shared while its files are copied
	logs    *logRing     // of the build, while it runs and after
	cancel  context.CancelCauseFunc
	ended   chan struct{} // closed when nothing builds it any more

	record templateRecord // guarded by templates.mu
}

type templateRecord struct {
	wire.Template
	Env        map[string]string   `json:"env"`
	Workdir    string              `json:"workdir,omitempty"`
	User       string              `json:"user,omitempty"`
	Labels     map[string]string   `json:"labels,omitempty"`
	Ports      []string            `json:"ports,omitempty"`
	Cmd        *dockerfile.Command `json:"cmd,omitempty"` // nothing starts these here
	Entrypoint *dockerfile.Command `json:"entrypoint,omitempty"`
}

type templates struct {
	store  *store
	slots  chan struct{} // one a build that runs
	builds sync.WaitGroup
	mu     sync.Mutex
	all    map[string]*template
	closed bool
}

const parallelBuilds = 4

func openTemplates(dir string, durable bool) (*templates, error) {
	store, err := openStore(dir, durable)
	if err != nil {
		return nil, err
	}
	s := &templates{store: store, slots: make(chan struct{}, parallelBuilds), all: map[string]*template{}}
	return s, store.load(s.load)
}

// load takes in a record. A build that was under way has failed: its process is gone.
func (s *templates) load(id string, data []byte) error {
	t := newTemplate()
	close(t.ended)
	s.all[id] = t
	if err := json.Unmarshal(data, &t.record); err != nil {
		return err
	}
	if t.record.Status != ready && t.record.Status != failed {
		t.record.Status, t.record.Error = failed, "the local Sandflare ended while it was built: build it again"
		if err := s.store.update(id, t.record); err != nil {
			return err
		}
		if err := guest.RemoveAll(s.store.tree(id)); err != nil {
			return err
		}
	}
	t.logs.append(t.record.Logs)
	return nil
}

func newTemplate() *template {
	return &template{logs: newLogRing(), cancel: func(error) {}, ended: make(chan struct{})}
}

// describe is the template as the API shows it; callers hold mu.
func (t *template) describe() wire.Template {
	shown := t.record.Template
	shown.TemplateID, shown.BuildStatus, shown.Provider = shown.ID, shown.Status, "custom"
	shown.Logs, _, _ = t.logs.since(0)
	return shown
}

func (s *templates) get(id string) (wire.Template, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.all[id]
	if t == nil {
		return wire.Template{}, notFound("there is no template %q", id)
	}
	return t.describe(), nil
}

// list returns the templates of a team, or all of them, newest first. Their
// logs, which may be long, are left to get.
func (s *templates) list(team string) []wire.Template {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []wire.Template{}
	for _, t := range s.all {
		if team == "" || t.record.TeamID == team {
			shown := t.describe()
			shown.Logs = []string{}
			list = append(list, shown)
		}
	}
	slices.SortFunc(list, func(a, b wire.Template) int { return b.CreatedAt.Compare(a.CreatedAt.Time) })
	return list
}

// find takes an id, or the name of templates that are ready: the newest is
// meant. Callers hold mu.
func (s *templates) find(idOrName string) (found *template) {
	if t := s.all[idOrName]; t != nil {
		return t
	}
	for _, t := range s.all {
		if t.record.Name != idOrName || t.record.Status != ready {
			continue
		}
		if found == nil || t.record.CreatedAt.After(found.record.CreatedAt.Time) {
			found = t
		}
	}
	return found
}

// use gives a template's files to a new sandbox; they stay until release. The
// error is errNoTemplate when there is none.
func (s *templates) use(idOrName string) (base, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.find(idOrName)
	switch {
	case t == nil:
		return base{}, errNoTemplate(idOrName)
	case t.record.Status == failed:
		return base{}, conflict("template %q failed to build: see its build-status", idOrName)
	case t.record.Status != ready:
		return base{}, conflict("template %q is still being built: wait until its build-status is ready", idOrName)
	case !t.copying.TryRLock():
		return base{}, errNoTemplate(idOrName)
	}
	return base{
		tree: s.store.tree(t.record.ID), env: merged(t.record.Env), workdir: t.record.Workdir, user: t.record.User,
		release: t.copying.RUnlock,
	}, nil
}

// base is what a sandbox of this template begins with.
func (s *templates) base(idOrName string) (base, error) {
	from, err := s.use(idOrName)
	if isNoTemplate(err) && slices.Contains(builtIn, idOrName) {
		return freshBase(), nil
	}
	return from, err
}

// remove ends a build that is under way. Sandboxes made from the template go on.
func (s *templates) remove(id string) error {
	s.mu.Lock()
	t := s.all[id]
	delete(s.all, id)
	s.mu.Unlock()
	if t == nil {
		return errNoTemplate(id)
	}
	t.cancel(errBuildDeleted)
	<-t.ended
	t.copying.Lock()
	defer t.copying.Unlock()
	return s.store.remove(id)
}

// change replaces a template's record when the new one is kept.
func (s *templates) change(t *template, do func(*templateRecord)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := t.record
	do(&next)
	if err := s.store.update(next.ID, next); err != nil {
		return err
	}
	t.record = next
	return nil
}

// close waits for the builds, whose context has ended; no other begins.
func (s *templates) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.builds.Wait()
}

// enter makes a template visible and starts its build.
func (s *templates) enter(t *template, build func()) error {
	if err := s.store.add(t.record.ID, t.record, nil); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return context.Canceled
	}
	s.all[t.record.ID] = t
	s.builds.Go(build)
	return nil
}

type noTemplate struct{ error }

func (e noTemplate) Unwrap() error { return e.error }

func errNoTemplate(id string) error { return noTemplate{notFound("there is no template %q", id)} }

func isNoTemplate(err error) bool {
	_, is := err.(noTemplate)
	return is
}

// makeContextDir makes a folder for the files that a build is sent.
func (e *engine) makeContextDir() (string, error) { return os.MkdirTemp(e.contexts, "context-") }
