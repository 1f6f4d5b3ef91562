package sandflare

import (
	"context"
	"time"

	"github.com/sandflare/sandflare-go/internal/transport"
	"github.com/sandflare/sandflare-go/internal/wire"
)

// Volume is storage that outlives sandboxes; attach it by its ID in
// [CreateOptions]. The shape is that of GET /volumes/{id}.
type Volume struct {
	ID, Name, Status, TeamID string
	SizeGB                   int
	CreatedAt                time.Time
}

// CreateVolumeOptions say how big a volume is.
type CreateVolumeOptions struct{ SizeGB int } // default 10

func volumeFrom(r wire.Volume) Volume {
	return Volume{ID: r.ID, Name: r.Name, Status: r.Status, TeamID: r.TeamID, SizeGB: r.SizeGB, CreatedAt: r.CreatedAt.Time}
}

// CreateVolume makes a volume (POST /volumes). A lost answer is
// [ErrOutcomeUnknown]; [Client.GetVolume] by name tells.
func (c *Client) CreateVolume(ctx context.Context, name string, opts *CreateVolumeOptions) (*Volume, error) {
	const op = "create volume"
	size := 10
	if opts != nil && opts.SizeGB != 0 {
		size = opts.SizeGB
	}
	if size < 0 {
		return nil, invalid(op, "SizeGB is %d: it cannot be negative; 0 means 10", size)
	}
	if err := checkSegment(op, "volume name", name); err != nil {
		return nil, err
	}
	req := transport.Request{Route: wire.VolumeCreate, Body: jsonBody(wire.CreateVolume{Name: name, SizeGB: size})}
	return c.volume(ctx, op, req)
}

// GetVolume returns a volume by name or ID (GET /volumes/{name or id}). The
// error Is [ErrNotFound] when there is none.
func (c *Client) GetVolume(ctx context.Context, nameOrID string) (*Volume, error) {
	const op = "get volume"
	if err := checkSegment(op, "volume name", nameOrID); err != nil {
		return nil, err
	}
	return c.volume(ctx, op, transport.Request{Route: wire.VolumeGet, Segments: []string{nameOrID}})
}

func (c *Client) volume(ctx context.Context, op string, req transport.Request) (*Volume, error) {
	var record wire.Volume
	if err := c.send(ctx, op, req, naming(into(&record), func() string { return record.ID })); err != nil {
		return nil, err
	}
	volume := volumeFrom(record)
	return &volume, nil
}

// ListVolumes returns all volumes of the account (GET /volumes). The list may
// be empty, never nil.
func (c *Client) ListVolumes(ctx context.Context) ([]Volume, error) {
	var rows []wire.Volume
	if err := c.send(ctx, "list volumes", transport.Request{Route: wire.VolumeList}, intoList(&rows, "volumes")); err != nil {
		return nil, err
	}
	return convert(rows, volumeFrom), nil
}

// DeleteVolume deletes a volume and its data (DELETE /volumes/{id}).
func (c *Client) DeleteVolume(ctx context.Context, id string) error {
	return c.about(ctx, "delete volume", "volume ID", wire.VolumeDelete, id, ignored)
}
