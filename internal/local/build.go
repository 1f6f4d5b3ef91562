package local

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/sandflare/sandflare-go/internal/ignore"
	"github.com/sandflare/sandflare-go/internal/local/dockerfile"
	"github.com/sandflare/sandflare-go/internal/local/guest"
	"github.com/sandflare/sandflare-go/internal/wire"
)

// buildTimeout is by the clock that tests move.
const buildTimeout = 30 * time.Minute

var (
	errBuildTimeout = fmt.Errorf("the build took longer than %v", buildTimeout)
	errBuildDeleted = errors.New("the template was deleted")
)

// build is one run of a Dockerfile in a sandbox of its own, which is in no list.
type build struct {
	engine   *engine
	template *template
	file     *dockerfile.File
	context  string // folder with the files that were sent
	ignore   *ignore.Matcher

	sb     *sandbox
	fresh  bool // FROM names no template of ours
	scope  *dockerfile.Scope
	runAs  []string // goes before each command of RUN
	record templateRecord
}

// buildTemplate accepts a build: it runs on by itself, and so does the removal
// of its context folder.
func (e *engine) buildTemplate(req wire.BuildTemplate, b *build) (wire.Template, error) {
	t := newTemplate()
	now := wire.Time{Time: e.clock.now()}
	t.record.Template = wire.Template{
		ID: e.ids.next("tmpl-"), Name: req.Name, Description: req.Description, TeamID: req.TeamID,
		Status: pending, CreatedAt: now, UpdatedAt: now,
	}
	ctx, cancel := context.WithCancelCause(e.ctx)
	t.cancel = cancel
	b.engine, b.template, b.record = e, t, t.record
	answer := t.describe()
	return answer, e.templates.enter(t, func() {
		defer cancel(nil)
		defer close(t.ended)
		b.end(b.queue(ctx))
	})
}

// queue waits for its turn, then runs the build within its time.
func (b *build) queue(ctx context.Context) error {
	slots := b.engine.templates.slots
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	b.engine.templates.mu.Lock()
	b.template.record.Status = building
	b.engine.templates.mu.Unlock()
	late := b.engine.clock.schedule(b.engine.clock.now().Add(buildTimeout), func() { b.template.cancel(errBuildTimeout) })
	defer b.engine.clock.cancel(late)
	err := b.run(ctx)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return err
}

// end notes how the build ended. What cannot be noted has failed as well.
func (b *build) end(err error) {
	templates, t := b.engine.templates, b.template
	err = errors.Join(err, guest.RemoveAll(b.context))
	if err == nil {
		err = templates.change(t, func(record *templateRecord) { b.finish(record, ready, "") })
	}
	if err == nil {
		return
	}
	if errors.Is(err, context.Canceled) {
		err = errors.New("the local Sandflare is stopping")
	}
	b.log("Build failed: %s", firstLine(err.Error()))
	err = errors.Join(err, guest.RemoveAll(templates.store.tree(t.record.ID)))
	fail := func(record *templateRecord) { b.finish(record, failed, err.Error()) }
	if templates.change(t, fail) != nil {
		templates.mu.Lock()
		defer templates.mu.Unlock()
		fail(&t.record)
	}
}

func (b *build) finish(record *templateRecord, status, problem string) {
	*record = b.record
	record.Status, record.Error = status, strings.ToValidUTF8(problem, "\uFFFD")
	record.UpdatedAt = wire.Time{Time: b.engine.clock.now()}
	record.Logs, _, _ = b.template.logs.since(0)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

func (b *build) log(format string, args ...any) {
	b.template.logs.append(strings.Split(fmt.Sprintf(format, args...), "\n"))
}

// run does all steps and saves what they leave.
func (b *build) run(ctx context.Context) error {
	if err := b.begin(ctx); err != nil {
		return err
	}
	err := b.steps(ctx)
	if err == nil {
		_, err = b.sb.save(ctx, b.engine.templates.store.tree(b.record.ID))
	}
	b.record.Env = merged(b.sb.env, b.scope.Env())
	return errors.Join(err, b.engine.discard(b.sb))
}

// begin starts the sandbox with what FROM names.
func (b *build) begin(ctx context.Context) error {
	from, err := b.from()
	if err != nil {
		return err
	}
	defer from.release()
	b.sb = &sandbox{
		name: b.engine.ids.next("build-"), began: time.Now(), spec: wire.CreateSandbox{Size: "nano"},
		logs: b.template.logs, env: from.env, memory: newMemory(),
	}
	b.sb.dir = filepath.Join(b.engine.boxes, b.sb.name)
	if err := b.engine.startGuest(ctx, b.sb, from.tree, nil); err != nil {
		return errors.Join(err, guest.RemoveAll(b.sb.dir))
	}
	b.scope = b.newScope(from.env)
	b.record.Workdir, b.record.User = from.workdir, from.user
	b.fresh = from.tree == ""
	return nil
}

// newScope lets the Dockerfile use what every command begins with.
func (b *build) newScope(env map[string]string) *dockerfile.Scope {
	known := map[string]string{}
	for _, entry := range b.engine.env {
		name, value, _ := strings.Cut(entry, "=")
		known[name] = value
	}
	return dockerfile.NewScope(merged(known, env))
}

// from finds what FROM names, with the ARGs before it: a template that is
// here, or else nothing but the host's tools.
func (b *build) from() (from base, err error) {
	scope, image := b.newScope(nil), ""
	for _, step := range b.file.Steps {
		if step, err = scope.Next(step); err != nil {
			return base{}, err
		}
		if in, ok := step.Instruction.(*dockerfile.From); ok {
			image = in.Image
			break
		}
	}
	from, err = b.engine.templates.use(image)
	if isNoTemplate(err) {
		from, err = b.engine.templates.use(strings.TrimSuffix(image, ":latest"))
	}
	if isNoTemplate(err) {
		return freshBase(), nil
	}
	return from, err
}

func (b *build) steps(ctx context.Context) error {
	for i, step := range b.file.Steps {
		number := fmt.Sprintf("Step %d/%d : ", i+1, len(b.file.Steps))
		b.log("%s%s", number, step.Original)
		if err := b.step(ctx, step); err != nil {
			return fmt.Errorf("%s%s (line %d): %w", number, shortened(step.Original), step.Line, unplaced(err))
		}
	}
	return nil
}

// unplaced takes away the line and the keyword, which the step names.
func unplaced(err error) error {
	if placed := (*dockerfile.Error)(nil); errors.As(err, &placed) {
		return errors.New(placed.Reason)
	}
	return err
}

// shortened keeps an instruction readable within an error.
func shortened(text string) string {
	if line := firstLine(text); len(line) > 200 || line != text {
		return strings.ToValidUTF8(line[:min(len(line), 200)], "") + "…"
	}
	return text
}
