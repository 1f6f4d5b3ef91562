package sandflare

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/sandflare/sandflare-go/internal/transport"
	"github.com/sandflare/sandflare-go/internal/wire"
)

const (
	createTimeout   = 120 * time.Second // of one try
	minAutoSnapshot = 5 * time.Minute
	maxPoll         = 5 * time.Second
)

// lookAfter are the pauses before each look for a sandbox whose create lost its answer.
var lookAfter = [...]time.Duration{0, time.Second, 4 * time.Second, 10 * time.Second}

// CreateSandbox makes a sandbox and returns once it can be used (POST
// /sandboxes). One try takes at most 120 seconds.
//
// A create is never sent twice when the first may have run. When its answer is
// lost, the sandbox is looked for by an id that travels in its metadata
// ("sandflare-request-id", one per call; give your own in Metadata to choose
// it), and returned when it is there. Otherwise the error Is
// [ErrOutcomeUnknown] and names the id: the sandbox may appear later.
func (c *Client) CreateSandbox(ctx context.Context, opts *CreateOptions) (*Sandbox, error) {
	const op = "create sandbox"
	if err := c.ready(ctx, op); err != nil {
		return nil, err
	}
	body, err := createBody(op, opts)
	if err != nil {
		return nil, err
	}
	var record wire.Sandbox
	req := transport.Request{Route: wire.SandboxCreate, Body: jsonBody(body), Timeout: createTimeout, Secrets: secrets(slices.Collect(maps.Values(body.EnvVars))...)}
	err = c.send(ctx, op, req, into(&record))
	record.Normalize()
	if err == nil && record.Name == "" {
		err = &callError{op: op, kind: ErrOutcomeUnknown, err: errors.New("the answer does not name the sandbox")}
	}
	if errors.Is(err, ErrOutcomeUnknown) {
		record, err = c.reconcile(ctx, body.Metadata[wire.RequestIDKey], err)
	}
	if err != nil {
		return nil, err
	}
	sb := c.adopt(record)
	return sb, sb.untilReady(ctx)
}

// createBody checks the options and turns them into what is sent.
func createBody(op string, opts *CreateOptions) (*wire.CreateSandbox, error) {
	if opts == nil {
		opts = &CreateOptions{}
	}
	if err := checkCreate(op, opts); err != nil {
		return nil, err
	}
	body := &wire.CreateSandbox{
		Label:                    opts.Label,
		Size:                     string(opts.Size),
		Ephemeral:                opts.Ephemeral,
		SnapshotID:               opts.SnapshotID,
		TTLHours:                 whole(opts.TTL, time.Hour),
		EnvVars:                  opts.Env,
		Metadata:                 maps.Clone(opts.Metadata),
		AutoSnapshotIntervalMins: whole(opts.AutoSnapshotInterval, time.Minute),
		Volumes:                  opts.Volumes,
	}
	if body.Size == "" {
		body.Size = string(SizeNano)
	}
	if opts.SnapshotID == "" {
		body.TemplateID = opts.TemplateID
	}
	if body.Metadata[wire.RequestIDKey] == "" {
		if body.Metadata == nil {
			body.Metadata = map[string]string{}
		}
		body.Metadata[wire.RequestIDKey] = rand.Text()
	}
	return body, nil
}

func checkCreate(op string, opts *CreateOptions) error {
	if err := checkDuration(op, "TTL", opts.TTL); err != nil {
		return err
	}
	if err := checkInterval(op, opts.AutoSnapshotInterval); err != nil && opts.AutoSnapshotInterval != 0 {
		return err
	}
	if err := checkEnv(op, opts.Env); err != nil {
		return err
	}
	texts := map[string]string{"label": opts.Label, "size": string(opts.Size), "template ID": opts.TemplateID, "snapshot ID": opts.SnapshotID}
	for what, text := range texts {
		if err := checkText(op, what, text); err != nil {
			return err
		}
	}
	for key, value := range opts.Metadata {
		if err := checkText(op, "metadata", key+value); err != nil {
			return err
		}
	}
	return checkVolumes(op, opts.Volumes)
}

func checkVolumes(op string, volumes map[string]string) error {
	for mount, id := range volumes {
		if err := checkText(op, "mount path", mount); err != nil {
			return err
		}
		if !strings.HasPrefix(mount, "/") || path.Clean(mount) == "/" {
			return invalid(op, "the mount path %q is not an absolute folder below /", mount)
		}
		if err := checkSegment(op, "volume ID", id); err != nil {
			return err
		}
	}
	return nil
}

func checkInterval(op string, d time.Duration) error {
	if d < minAutoSnapshot {
		return invalid(op, "the auto-snapshot interval is %v; the shortest is %v", d, minAutoSnapshot)
	}
	return checkDuration(op, "auto-snapshot interval", d)
}

// reconcile looks for a sandbox that may have been created. Only an answer
// that carries the id itself counts: a service might ignore the filter.
func (c *Client) reconcile(ctx context.Context, id string, lost error) (wire.Sandbox, error) {
	for _, pause := range lookAfter {
		if !sleep(ctx, pause) {
			break
		}
		found, err := c.list(ctx, &ListOptions{Metadata: map[string]string{wire.RequestIDKey: id}})
		if err != nil {
			continue
		}
		for _, record := range found {
			record.Normalize()
			if record.Metadata[wire.RequestIDKey] == id && record.Name != "" {
				return record, nil
			}
		}
	}
	var call *callError
	if errors.As(lost, &call) {
		call.hint = fmt.Sprintf("no sandbox with metadata %s=%s was found, but it may still appear: look for it with ListSandboxes", wire.RequestIDKey, id)
	}
	return wire.Sandbox{}, lost
}

// untilReady waits for a sandbox that the service answered before it was usable.
func (s *Sandbox) untilReady(ctx context.Context) error {
	for pause := 250 * time.Millisecond; ; pause = min(2*pause, maxPoll) {
		switch s.Info().Status {
		case "starting", "creating", "pending", "provisioning":
		case "error", "failed":
			return &callError{op: s.op("create"), err: errors.New("the service could not start the sandbox; delete it")}
		default:
			return nil
		}
		if !sleep(ctx, pause) {
			return &callError{op: s.op("create"), err: contextError(ctx, ctx.Err()), hint: "the sandbox exists and is still starting"}
		}
		if err := s.Refresh(ctx); err != nil {
			return err
		}
	}
}

// sleep waits and reports whether ctx still goes on.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
