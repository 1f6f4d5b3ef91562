package sandflare

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/sandflare/sandflare-go/internal/transport"
	"github.com/sandflare/sandflare-go/internal/wire"
)

func (m *SandboxMemory) of() *memoryStore {
	if m == nil {
		return &memoryStore{}
	}
	return &m.store
}

func (m *UserMemory) of() *memoryStore {
	if m == nil {
		return &memoryStore{}
	}
	return &m.store
}

// memoryStore is one level of memory: the same calls under other paths.
type memoryStore struct {
	client  *Client
	sandbox *Sandbox // nil for the user's level
	of      string

	add, batch, search, list, remove, clear wire.Route
}

// send makes a call to this level; feedback alone has one path for both.
func (m *memoryStore) send(ctx context.Context, verb string, req transport.Request, decode decoder) error {
	op := verb + " " + m.of
	if m.client == nil {
		return invalid(op, "the memory was not made by a Client or Sandbox")
	}
	if m.sandbox != nil && req.Route != wire.MemoryFeedback {
		if err := m.sandbox.ready(ctx, verb+" memory of sandbox"); err != nil {
			return err
		}
		req.Segments = append([]string{m.sandbox.name}, req.Segments...)
	}
	return m.client.send(ctx, op, req, decode)
}

func (m *memoryStore) addOne(ctx context.Context, text string, opts *AddMemoryOptions) ([]MemoryResult, error) {
	if opts == nil {
		opts = &AddMemoryOptions{}
	}
	if err := checkMemory("add to "+m.of, text, opts); err != nil {
		return nil, err
	}
	body := wire.AddMemory{Text: text, Metadata: opts.Metadata, Category: opts.Category, Infer: opts.Infer}
	return m.added(ctx, transport.Request{Route: m.add, Body: jsonBody(body)})
}

func (m *memoryStore) addMany(ctx context.Context, facts []string, opts *AddMemoryOptions) ([]MemoryResult, error) {
	if opts == nil {
		opts = &AddMemoryOptions{}
	}
	op := "add to " + m.of
	if len(facts) == 0 {
		return nil, invalid(op, "there are no facts")
	}
	if opts.Infer {
		return nil, invalid(op, "Infer is not possible for a batch; add the texts one by one")
	}
	for _, fact := range facts {
		if err := checkMemory(op, fact, opts); err != nil {
			return nil, err
		}
	}
	body := wire.AddMemories{Facts: facts, Metadata: opts.Metadata, Category: opts.Category}
	return m.added(ctx, transport.Request{Route: m.batch, Body: jsonBody(body)})
}

func checkMemory(op, text string, opts *AddMemoryOptions) error {
	if text == "" {
		return invalid(op, "the text is empty")
	}
	if err := checkText(op, "category", opts.Category); err != nil {
		return err
	}
	if _, err := json.Marshal(opts.Metadata); err != nil {
		return invalid(op, "the metadata cannot be sent as JSON: %w", err)
	}
	return checkText(op, "text", text)
}

func (m *memoryStore) added(ctx context.Context, req transport.Request) ([]MemoryResult, error) {
	var rows []wire.MemoryResult
	if err := m.send(ctx, "add to", req, intoList(&rows, "results")); err != nil {
		return nil, err
	}
	return convert(rows, func(r wire.MemoryResult) MemoryResult { return MemoryResult(r) }), nil
}

func (m *memoryStore) find(ctx context.Context, text string, opts *SearchMemoryOptions) ([]Memory, error) {
	op, limit := "search "+m.of, 10
	if opts != nil && opts.Limit != 0 {
		limit = opts.Limit
	}
	if limit < 0 {
		return nil, invalid(op, "the limit is %d: it cannot be negative; 0 means 10", limit)
	}
	if text == "" {
		return nil, invalid(op, "the query is empty; List returns everything")
	}
	if err := checkText(op, "query", text); err != nil {
		return nil, err
	}
	found, err := m.read(ctx, "search", transport.Request{Route: m.search, Query: query("q", text, "limit", itoa(limit))})
	return found[:min(limit, len(found))], err
}

func (m *memoryStore) all(ctx context.Context) ([]Memory, error) {
	return m.read(ctx, "list", transport.Request{Route: m.list})
}

func (m *memoryStore) read(ctx context.Context, verb string, req transport.Request) ([]Memory, error) {
	var rows []wire.Memory
	if err := m.send(ctx, verb, req, intoList(&rows, "memories", "results")); err != nil {
		return nil, err
	}
	return convert(rows, memoryFrom), nil
}

func memoryFrom(r wire.Memory) Memory {
	return Memory{
		ID: r.ID, Text: r.Memory, Score: r.Score, Categories: slices.Clone(r.Categories), Metadata: r.Metadata,
		UserID: r.UserID, AgentID: r.AgentID, CreatedAt: r.CreatedAt.Time,
	}
}

func (m *memoryStore) forget(ctx context.Context, id string) error {
	if err := checkSegment("delete from "+m.of, "memory ID", id); err != nil {
		return err
	}
	return m.send(ctx, "delete from", transport.Request{Route: m.remove, Segments: []string{id}}, ignored)
}

func (m *memoryStore) forgetAll(ctx context.Context) error {
	return m.send(ctx, "delete all of", transport.Request{Route: m.clear}, ignored)
}

func (m *memoryStore) feedback(ctx context.Context, id string, useful bool) error {
	if err := checkSegment("give feedback to "+m.of, "memory ID", id); err != nil {
		return err
	}
	req := transport.Request{Route: wire.MemoryFeedback, Segments: []string{id}, Body: jsonBody(wire.Feedback{Useful: useful})}
	return m.send(ctx, "give feedback to", req, ignored)
}
