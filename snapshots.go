package sandflare

import (
	"cmp"
	"context"
	"time"

	"github.com/sandflare/sandflare-go/internal/transport"
	"github.com/sandflare/sandflare-go/internal/wire"
)

// CreateSnapshotOptions describe a snapshot; all of it is optional.
type CreateSnapshotOptions struct {
	Name, Description string
	Tags              []string
}

// ListSnapshotsOptions filter [Client.ListSnapshots].
type ListSnapshotsOptions struct{ SandboxName string }

// Snapshot is a saved state of a sandbox, as GET /snapshots answers. Restore
// it by its ID in [CreateOptions].
type Snapshot struct {
	ID, Name, Description, Status  string // Status is "uploading", then "ready"
	SandboxName, BuildID, ParentID string
	Tags                           []string
	SizeMB                         float64
	ForkCount                      int
	AutoCreated                    bool
	CreatedAt                      time.Time
}

func snapshotFrom(r wire.Snapshot) Snapshot {
	return Snapshot{
		ID:          cmp.Or(r.SnapshotID, r.ID),
		Name:        r.Name,
		Description: r.Description,
		Status:      cmp.Or(r.Status, "uploading"),
		SandboxName: r.SandboxID,
		BuildID:     r.BuildID,
		ParentID:    r.ParentSnapshotID,
		Tags:        r.Tags,
		SizeMB:      r.SizeMB,
		ForkCount:   r.ForkCount,
		AutoCreated: r.AutoCreated,
		CreatedAt:   r.CreatedAt.Time,
	}
}

// ListSnapshots returns the snapshots of this account, or of one sandbox
// (GET /snapshots). The list may be empty, never nil.
func (c *Client) ListSnapshots(ctx context.Context, opts *ListSnapshotsOptions) ([]Snapshot, error) {
	const op = "list snapshots"
	if opts == nil {
		opts = &ListSnapshotsOptions{}
	}
	if opts.SandboxName != "" {
		if err := checkSegment(op, "sandbox name", opts.SandboxName); err != nil {
			return nil, err
		}
	}
	var rows []wire.Snapshot
	req := transport.Request{Route: wire.SnapshotList, Query: query("sandbox_id", opts.SandboxName)}
	if err := c.send(ctx, op, req, intoList(&rows, "snapshots")); err != nil {
		return nil, err
	}
	return convert(rows, snapshotFrom), nil
}

// DeleteSnapshot deletes a snapshot (DELETE /snapshots/{id}). The error Is
// [ErrNotFound] when there is none.
func (c *Client) DeleteSnapshot(ctx context.Context, id string) error {
	return c.about(ctx, "delete snapshot", "snapshot ID", wire.SnapshotDelete, id, ignored)
}

// CreateSnapshot saves the sandbox's state; the sandbox goes on (POST
// …/snapshot). The snapshot outlives the sandbox. One try takes at most 120
// seconds; a lost answer is [ErrOutcomeUnknown], and ListSnapshots tells.
func (s *Sandbox) CreateSnapshot(ctx context.Context, opts *CreateSnapshotOptions) (*Snapshot, error) {
	const verb = "snapshot"
	if opts == nil {
		opts = &CreateSnapshotOptions{}
	}
	for _, text := range append([]string{opts.Name, opts.Description}, opts.Tags...) {
		if err := checkText(s.opOrVerb(verb), "name, description or tag", text); err != nil {
			return nil, err
		}
	}
	body := wire.CreateSnapshot{Name: opts.Name, Description: opts.Description, Tags: opts.Tags}
	req := transport.Request{Route: wire.SnapshotCreate, Body: jsonBody(body), Timeout: createTimeout}
	var record wire.Snapshot
	if err := s.send(ctx, verb, req, naming(into(&record), func() string { return snapshotFrom(record).ID })); err != nil {
		return nil, err
	}
	snapshot := snapshotFrom(record)
	return &snapshot, nil
}

// ListSnapshots returns the snapshots of this sandbox (GET /snapshots?sandbox_id=…).
func (s *Sandbox) ListSnapshots(ctx context.Context) ([]Snapshot, error) {
	if err := s.ready(ctx, "list snapshots of"); err != nil {
		return nil, err
	}
	return s.client.ListSnapshots(ctx, &ListSnapshotsOptions{SandboxName: s.name})
}

// EnableAutoSnapshot takes a snapshot at each interval of at least 5 minutes,
// rounded up to whole minutes (POST …/auto-snapshot).
func (s *Sandbox) EnableAutoSnapshot(ctx context.Context, interval time.Duration) error {
	const verb = "enable auto-snapshots of"
	if err := checkInterval(s.opOrVerb(verb), interval); err != nil {
		return err
	}
	return s.call(ctx, verb, wire.AutoSnapshotEnable, jsonBody(wire.AutoSnapshot{IntervalMins: whole(interval, time.Minute)}), ignored)
}

// DisableAutoSnapshot ends that (DELETE …/auto-snapshot); the snapshots stay.
func (s *Sandbox) DisableAutoSnapshot(ctx context.Context) error {
	return s.call(ctx, "disable auto-snapshots of", wire.AutoSnapshotDisable, nil, ignored)
}
