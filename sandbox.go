package sandflare

import (
	"context"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/sandflare/sandflare-go/internal/transport"
	"github.com/sandflare/sandflare-go/internal/wire"
)

// Size is how big a sandbox is.
type Size string

// The sizes of sandboxes.
const (
	SizeNano   Size = "nano"   // 1 vCPU, 512 MB
	SizeSmall  Size = "small"  // 1 vCPU, 1 GB
	SizeMedium Size = "medium" // 2 vCPUs, 2 GB
	SizeLarge  Size = "large"  // 4 vCPUs, 4 GB
	SizeXL     Size = "xl"     // 4 vCPUs, 8 GB
)

// Status is the state of a sandbox. The service may send others than those listed here.
type Status string

// The states of sandboxes.
const (
	StatusReady   Status = "ready"
	StatusPaused  Status = "paused"
	StatusStopped Status = "stopped"
)

// CreateOptions say what [Client.CreateSandbox] makes. The zero value is a
// sandbox of size nano from the base template.
type CreateOptions struct {
	Label                string            // free text, not unique
	Size                 Size              // default SizeNano
	TTL                  time.Duration     // lifetime, sent as whole hours, rounded up; 0 = plan default
	Ephemeral            bool              // no state is kept when it stops
	Env                  map[string]string // environment of every command
	Metadata             map[string]string // to find it again, see ListOptions
	TemplateID           string            // not sent when SnapshotID is set
	SnapshotID           string            // restore from this snapshot
	AutoSnapshotInterval time.Duration     // 0 = off; else at least 5 minutes, whole minutes, rounded up
	Volumes              map[string]string // mount path -> volume ID
}

// ListOptions filter [Client.ListSandboxes]; what is set must match.
type ListOptions struct {
	Label    string
	Metadata map[string]string
}

// SandboxInfo is what the service says of a sandbox, as GET /sandboxes/{id} answers.
type SandboxInfo struct {
	Name         string // the ID, "sb-..."
	Status       Status
	Tier         Size
	Label        string
	PreviewURL   string
	SubdomainURL string
	PublicURL    string
	PanelURL     string
	AgentURL     string
	IP           string
	TemplateID   string
	Metadata     map[string]string
	Ephemeral    bool
	TTL          time.Duration // 0 when none is known
	CreatedAt    time.Time
	ExpiresAt    time.Time // zero when no TTL
	MemoryMB     int
	VCPUs        int
	RootGB       int
}

// Sandbox is a handle of one sandbox. It is safe for concurrent use.
type Sandbox struct {
	client *Client
	name   string

	mu   sync.Mutex
	info SandboxInfo
}

// GetSandbox returns a sandbox by name. A paused one is resumed by the service
// (GET /sandboxes/{id}). The error Is [ErrNotFound] when there is none.
func (c *Client) GetSandbox(ctx context.Context, name string) (*Sandbox, error) {
	sb := c.Sandbox(name)
	if err := sb.Refresh(ctx); err != nil {
		return nil, err
	}
	return sb, nil
}

// ListSandboxes returns the sandboxes of this account, all of them or those
// that match opts (GET /sandboxes). The list may be empty, never nil.
func (c *Client) ListSandboxes(ctx context.Context, opts *ListOptions) ([]*Sandbox, error) {
	if opts == nil {
		opts = &ListOptions{}
	}
	found, err := c.list(ctx, opts)
	if err != nil {
		return nil, err
	}
	list := make([]*Sandbox, 0, len(found))
	for _, record := range found {
		list = append(list, c.adopt(record))
	}
	return list, nil
}

// list returns the raw records, request ids included.
func (c *Client) list(ctx context.Context, opts *ListOptions) ([]wire.Sandbox, error) {
	var found []wire.Sandbox
	err := c.send(ctx, "list sandboxes", transport.Request{
		Route: wire.SandboxList,
		Query: query("label", opts.Label, "metadata", queryJSON(opts.Metadata)),
	}, intoList(&found, "sandboxes"))
	return found, err
}

// Sandbox returns a handle of a sandbox by name, without a request; the first
// call tells whether it exists.
func (c *Client) Sandbox(name string) *Sandbox {
	return &Sandbox{client: c, name: name, info: SandboxInfo{Name: name}}
}

// adopt makes a handle from an answer.
func (c *Client) adopt(record wire.Sandbox) *Sandbox {
	record.Normalize()
	return &Sandbox{client: c, name: record.Name, info: infoFrom(record)}
}

const maxTTLHours = 1 << 21 // 239 years: more is no duration

func infoFrom(r wire.Sandbox) SandboxInfo {
	delete(r.Metadata, wire.RequestIDKey)
	return SandboxInfo{
		Name:         r.Name,
		Status:       Status(r.Status),
		Tier:         Size(r.Size),
		Label:        r.Label,
		PreviewURL:   r.PreviewURL,
		SubdomainURL: r.SubdomainURL,
		PublicURL:    r.PublicURL,
		PanelURL:     r.PanelURL,
		AgentURL:     r.AgentURL,
		IP:           r.IP,
		TemplateID:   r.TemplateID,
		Metadata:     r.Metadata,
		Ephemeral:    r.Ephemeral,
		TTL:          time.Duration(max(0, min(r.TTLHours, maxTTLHours)) * float64(time.Hour)),
		CreatedAt:    r.CreatedAt.Time,
		ExpiresAt:    r.ExpiresAt.Time,
		MemoryMB:     r.MemoryMB,
		VCPUs:        r.VCPUs,
		RootGB:       r.RootGB,
	}
}

// Name returns the sandbox's name, which is its ID.
func (s *Sandbox) Name() string {
	if s == nil {
		return ""
	}
	return s.name
}

// Info returns what was last heard of the sandbox, without a request: a copy.
// A handle made by [Client.Sandbox] knows only the name until [Sandbox.Refresh].
func (s *Sandbox) Info() SandboxInfo {
	if s == nil {
		return SandboxInfo{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	info := s.info
	info.Metadata = maps.Clone(info.Metadata)
	return info
}

// Refresh asks for the sandbox's current state (GET /sandboxes/{id}); a paused
// sandbox is resumed by that. The error Is [ErrNotFound] when it is gone.
func (s *Sandbox) Refresh(ctx context.Context) error {
	var record wire.Sandbox
	sandbox := naming(into(&record), func() string { // the name is known; but something must say that this is a sandbox
		record.Normalize()
		return record.Name + record.Status
	})
	if err := s.call(ctx, "get", wire.SandboxGet, nil, sandbox); err != nil {
		return err
	}
	if record.Status == wire.StatusAbsent {
		return &callError{op: s.op("get"), err: &APIError{
			StatusCode: 404, Message: "the sandbox is absent", Method: "GET", Path: wire.SandboxGet.Fill(s.name)}}
	}
	record.Name = s.name
	s.mu.Lock()
	defer s.mu.Unlock()
	s.info = infoFrom(record)
	return nil
}

// PreviewURL returns the public address of a port that a program in the
// sandbox listens on, from what was last heard; no request is made. It is
// empty when the service gave no preview address, as the local Sandflare
// does, or when port is none.
func (s *Sandbox) PreviewURL(port int) string {
	if port < 1 || port > 65535 {
		return ""
	}
	return wire.PortURL(s.Info().PreviewURL, strconv.Itoa(port))
}

// call makes a call about this sandbox and nothing else.
func (s *Sandbox) call(ctx context.Context, verb string, route wire.Route, body *transport.Body, decode decoder) error {
	return s.send(ctx, verb, transport.Request{Route: route, Body: body}, decode)
}

// send makes a call about this sandbox; its name is the route's first segment.
func (s *Sandbox) send(ctx context.Context, verb string, req transport.Request, decode decoder) error {
	if err := s.ready(ctx, verb); err != nil {
		return err
	}
	req.Segments = append([]string{s.name}, req.Segments...)
	return s.client.send(ctx, s.op(verb), req, decode)
}

func (s *Sandbox) ready(ctx context.Context, verb string) error {
	if s == nil || s.client == nil {
		return invalid(verb, "the sandbox was not made by a Client")
	}
	op := s.op(verb)
	if err := checkSegment(op, "sandbox name", s.name); err != nil {
		return err
	}
	return s.client.ready(ctx, op)
}

// op is how errors name a call: "exec in sb-1", "delete sb-1".
func (s *Sandbox) op(verb string) string { return verb + " " + strconv.Quote(s.name) }
