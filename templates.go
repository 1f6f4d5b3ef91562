package sandflare

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/sandflare/sandflare-go/internal/transport"
	"github.com/sandflare/sandflare-go/internal/wire"
)

// BuildStatus is how far a template's build has come. The service may send others than those listed here.
type BuildStatus string

// The states of a build.
const (
	BuildPending  BuildStatus = "pending"
	BuildBuilding BuildStatus = "building"
	BuildReady    BuildStatus = "ready"
	BuildFailed   BuildStatus = "failed"
)

// BuildTemplateOptions say what is built. Name is needed, and a Dockerfile: in
// the field or in the Context.
type BuildTemplateOptions struct {
	Name, Dockerfile    string
	Description, TeamID string
	// Context is the build context for COPY and ADD: its files, less what its
	// .dockerignore leaves out, are sent with the Dockerfile. A link is sent as
	// the file that it leads to, which must lie in the context. When
	// Dockerfile is empty, the one in the Context is used. The API carries
	// names and contents only: no empty folders, no modes.
	Context fs.FS
}

// ListTemplatesOptions filter [Client.ListTemplates].
type ListTemplatesOptions struct{ TeamID string }

// WaitOptions say how [Client.WaitForBuild] waits.
type WaitOptions struct {
	Timeout      time.Duration   // default 30m
	PollInterval time.Duration   // default 3s
	OnStatus     func(*Template) // called after each look, for progress
}

// Template is what sandboxes are made from, as GET /templates/{id}/build-status answers.
type Template struct {
	ID, Name, Description, Error, TeamID string
	Status                               BuildStatus
	Logs                                 []string // of the build; lists may leave them out
	CreatedAt, UpdatedAt                 time.Time
}

// BuildError is a build that failed. Its text is the Error of the Template and
// the end of its Logs, as far as the Error does not show it.
type BuildError struct{ Template *Template }

// Error gives the template, what failed, and the last lines of the log.
func (e *BuildError) Error() string {
	t := e.Template
	if t == nil {
		return "sandflare: build failed"
	}
	text := fmt.Sprintf("sandflare: build of template %q failed", cmp.Or(t.Name, t.ID))
	if problem := strings.TrimSpace(t.Error); problem != "" {
		text += ": " + strings.ReplaceAll(problem, "\n", "\n\t")
	}
	for _, line := range t.untoldLogs() {
		text += "\n\t" + line
	}
	return text
}

// untoldLogs are the last lines of the log less those that the Error repeats.
// An Error of several lines shows output itself: then only what follows it.
func (t *Template) untoldLogs() (lines []string) {
	summary, output, _ := strings.Cut(strings.TrimSpace(t.Error), "\n")
	for _, line := range t.Logs[max(0, len(t.Logs)-shownLogLines):] {
		line = strings.TrimSpace(line)
		told := strings.Contains(t.Error, line) || summary != "" && strings.Contains(line, summary)
		switch {
		case !told:
			lines = append(lines, line)
		case line != "" && output != "":
			lines = nil
		}
	}
	return lines
}

const shownLogLines = 10

func templateFrom(r wire.Template) Template {
	return Template{
		ID: cmp.Or(r.ID, r.TemplateID), Name: r.Name, Description: r.Description, Error: r.Error, TeamID: r.TeamID,
		Status: BuildStatus(cmp.Or(r.Status, r.BuildStatus)), Logs: r.Logs,
		CreatedAt: r.CreatedAt.Time, UpdatedAt: r.UpdatedAt.Time,
	}
}

// BuildTemplate starts a build and returns at once; [Client.WaitForBuild]
// waits for its end (POST /templates/build). A context is streamed, never held
// in memory. A lost answer is [ErrOutcomeUnknown]; ListTemplates tells.
func (c *Client) BuildTemplate(ctx context.Context, opts *BuildTemplateOptions) (*Template, error) {
	const op = "build template"
	if opts == nil || opts.Name == "" {
		return nil, invalid(op, "the template has no Name")
	}
	req := transport.Request{Route: wire.TemplateBuild}
	fields := wire.BuildTemplate{Name: opts.Name, Dockerfile: opts.Dockerfile, Description: opts.Description, TeamID: opts.TeamID}
	for _, text := range []string{opts.Name, opts.Dockerfile, opts.Description, opts.TeamID} {
		if err := checkText(op, "template", text); err != nil {
			return nil, err
		}
	}
	if opts.Context != nil {
		body, err := contextBody(op, fields, opts.Context)
		if err != nil {
			return nil, err
		}
		req.Body, req.Timeout, req.Stall = body, -1, stallTimeout
	} else if opts.Dockerfile == "" {
		return nil, invalid(op, "there is neither a Dockerfile nor a Context that has one")
	} else {
		req.Body = jsonBody(fields)
	}
	return c.template(ctx, op, req)
}

// GetTemplate returns a template and how far its build is (GET
// /templates/{id}/build-status). A failed build is no error here.
func (c *Client) GetTemplate(ctx context.Context, id string) (*Template, error) {
	const op = "get template"
	if err := checkSegment(op, "template ID", id); err != nil {
		return nil, err
	}
	return c.template(ctx, op, transport.Request{Route: wire.TemplateStatus, Segments: []string{id}})
}

func (c *Client) template(ctx context.Context, op string, req transport.Request) (*Template, error) {
	var record wire.Template
	id := func() string { return cmp.Or(record.ID, record.TemplateID, strings.Join(req.Segments, "")) }
	if err := c.send(ctx, op, req, naming(intoAny(&record), id)); err != nil {
		return nil, err
	}
	template := templateFrom(record)
	template.ID = id()
	return &template, nil
}

// WaitForBuild looks at a build until it has ended. The error is a
// [*BuildError] when it failed, beside the template, and Is
// [context.DeadlineExceeded] when the timeout came first; the build then goes on.
func (c *Client) WaitForBuild(ctx context.Context, id string, opts *WaitOptions) (*Template, error) {
	const op = "wait for build"
	if err := c.ready(ctx, op); err != nil {
		return nil, err
	}
	wait, err := waitOptions(op, opts)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, wait.Timeout, errors.New("the build took longer than the Timeout of "+wait.Timeout.String()))
	defer cancel()
	for {
		template, err := c.GetTemplate(ctx, id)
		if err != nil {
			return nil, err
		}
		wait.OnStatus(template)
		switch template.Status {
		case BuildReady:
			return template, nil
		case BuildFailed:
			return template, &BuildError{Template: template}
		}
		if !sleep(ctx, wait.PollInterval) {
			return template, &callError{op: op, err: contextError(ctx, ctx.Err()), hint: "the build goes on"}
		}
	}
}

func waitOptions(op string, opts *WaitOptions) (WaitOptions, error) {
	wait := WaitOptions{}
	if opts != nil {
		wait = *opts
	}
	if err := checkDuration(op, "Timeout", wait.Timeout); err != nil {
		return wait, err
	}
	if err := checkDuration(op, "PollInterval", wait.PollInterval); err != nil {
		return wait, err
	}
	wait.Timeout = cmp.Or(wait.Timeout, 30*time.Minute)
	wait.PollInterval = cmp.Or(wait.PollInterval, 3*time.Second)
	if wait.OnStatus == nil {
		wait.OnStatus = func(*Template) {}
	}
	return wait, nil
}

// ListTemplates returns the templates of the account or a team (GET
// /templates), without Logs where the service leaves them out, as the local
// Sandflare does: [Client.GetTemplate] has them. The list may be empty, never nil.
func (c *Client) ListTemplates(ctx context.Context, opts *ListTemplatesOptions) ([]Template, error) {
	const op = "list templates"
	if opts == nil {
		opts = &ListTemplatesOptions{}
	}
	var rows []wire.Template
	req := transport.Request{Route: wire.TemplateList, Query: query("team_id", opts.TeamID)}
	if err := c.send(ctx, op, req, intoList(&rows, "templates")); err != nil {
		return nil, err
	}
	return convert(rows, templateFrom), nil
}

// DeleteTemplate deletes a template (DELETE /templates/{id}); sandboxes made
// from it go on.
func (c *Client) DeleteTemplate(ctx context.Context, id string) error {
	return c.about(ctx, "delete template", "template ID", wire.TemplateDelete, id, ignored)
}
