package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"

	"github.com/sandflare/sandflare-go/internal/local/guest"
)

const defaultMaxSandboxes = 100

// engine is the local Sandflare behind its door.
type engine struct {
	ctx     context.Context // ends when the engine closes
	cancel  context.CancelFunc
	support guest.Support
	env     []string // what every command begins with
	shell   string   // bash, or sh where there is none
	max     int
	clock   *clock
	ids     *idSource

	boxes    string // folder of the sandboxes' files
	shared   string
	contexts string     // of builds that are under way
	data     *lockedDir // nil without a folder that outlives us

	mu        sync.Mutex // guards the fields below
	sandboxes map[string]*sandbox
	starting  int // sandboxes on their way into the map
	seq       int // of the last sandbox
	closed    bool

	snapshots *snapshots
	volumes   *volumes
	templates *templates
	memory    *memory // the user's
}

func newEngine(state *lockedDir, support guest.Support, cfg Config) (_ *engine, err error) {
	e := &engine{
		support: support, env: baseEnv(support.Tier, hostEnv), shell: "bash",
		max: cfg.MaxSandboxes, clock: newClock(), ids: newIDSource(cfg.Seed), sandboxes: map[string]*sandbox{},
	}
	if e.max == 0 {
		e.max = defaultMaxSandboxes
	}
	if _, err := exec.LookPath("bash"); err != nil {
		e.shell = "sh"
	}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	if e.boxes, err = state.sub("sandboxes"); err != nil {
		return nil, err
	}
	if e.shared, err = state.sub("shared"); err != nil {
		return nil, err
	}
	if e.contexts, err = state.sub("contexts"); err != nil {
		return nil, err
	}
	return e, e.openData(state, cfg.DataDir)
}

// openData opens what a data folder keeps; without one it lies in the state folder.
func (e *engine) openData(state *lockedDir, dataDir string) (err error) {
	dir := filepath.Join(state.path, "data")
	if dataDir != "" {
		if e.data, err = openDataDir(dataDir); err != nil {
			return err
		}
		dir = e.data.path
	}
	durable := dataDir != ""
	if e.snapshots, err = openSnapshots(filepath.Join(dir, "snapshots"), durable); err == nil {
		e.volumes, err = openVolumes(filepath.Join(dir, "volumes"), durable)
	}
	if err == nil {
		e.templates, err = openTemplates(filepath.Join(dir, "templates"), durable)
	}
	if e.memory = newMemory(); err == nil && durable {
		e.memory, err = openMemory(filepath.Join(dir, "memory"))
	}
	if err != nil {
		return errors.Join(err, e.release())
	}
	return nil
}

// openDataDir makes and locks a data folder: two servers on one would lose data.
func openDataDir(path string) (*lockedDir, error) {
	path, err := filepath.Abs(path)
	if err == nil {
		err = os.MkdirAll(path, 0o700)
	}
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	dir, err := lockDir(path)
	if err != nil {
		return nil, fmt.Errorf("data folder %s: %w", path, err)
	}
	return dir, nil
}

// sandbox finds a live sandbox.
func (e *engine) sandbox(name string) (*sandbox, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	sb := e.sandboxes[name]
	if sb == nil {
		return nil, notFound("there is no sandbox %q", name)
	}
	return sb, nil
}

// list returns the live sandboxes, oldest first.
func (e *engine) list() []*sandbox {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := make([]*sandbox, 0, len(e.sandboxes))
	for _, sb := range e.sandboxes {
		list = append(list, sb)
	}
	slices.SortFunc(list, func(a, b *sandbox) int { return a.seq - b.seq })
	return list
}

// reserve makes room for n sandboxes, or says that the limit is reached.
func (e *engine) reserve(n int) (free func(), err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.sandboxes)+e.starting+n > e.max {
		return nil, &apiError{
			status:     429,
			text:       fmt.Sprintf("the local limit of %d sandboxes is reached: delete some, or start with a higher --max-sandboxes", e.max),
			upgradeURL: "https://sandflare.io/pricing",
		}
	}
	e.starting += n
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.starting -= n
	}, nil
}

// enter makes a started sandbox visible.
func (e *engine) enter(sb *sandbox) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return context.Canceled
	}
	e.seq++
	sb.seq = e.seq
	e.sandboxes[sb.name] = sb
	return nil
}

// take makes a sandbox invisible; only one caller gets it.
func (e *engine) take(name string) (*sandbox, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	sb := e.sandboxes[name]
	if sb == nil {
		return nil, notFound("there is no sandbox %q", name)
	}
	delete(e.sandboxes, name)
	return sb, nil
}

// remove ends a sandbox and returns when nothing of it is left.
func (e *engine) remove(name string) error {
	sb, err := e.take(name)
	if err != nil {
		return err
	}
	return e.discard(sb)
}

func (e *engine) discard(sb *sandbox) error {
	sb.mu.Lock()
	sb.gone = true
	e.clock.cancel(sb.expiry)
	e.clock.cancel(sb.auto)
	sb.mu.Unlock()
	err := sb.guest.Close()
	e.volumes.release(sb.name)
	return errors.Join(err, guest.RemoveAll(sb.dir))
}

// removeAll ends every sandbox, side by side.
func (e *engine) removeAll() {
	var all sync.WaitGroup
	for _, sb := range e.list() {
		all.Go(func() { _ = e.remove(sb.name) }) // gone is gone, whoever removed it
	}
	all.Wait()
}

// close ends everything that runs.
func (e *engine) close() {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.cancel()
	e.clock.stop()
	e.removeAll()
	e.templates.close()
}

// release gives the data folder up.
func (e *engine) release() error {
	if e.data == nil {
		return nil
	}
	return e.data.unlock()
}
