package sandflare

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/sandflare/sandflare-go/internal/transport"
	"github.com/sandflare/sandflare-go/internal/wire"
)

// Memory is one remembered fact. Text is what the API calls "memory".
type Memory struct {
	ID, Text        string
	Score           float64 // how well it fits a search; 0 in lists
	Categories      []string
	Metadata        map[string]any
	UserID, AgentID string
	CreatedAt       time.Time
}

// MemoryResult is what became of an added fact: Event is "ADD", "UPDATE" or "NONE".
type MemoryResult struct{ ID, Event string }

// AddMemoryOptions go with a fact. Categories in use are preference, bug_fix,
// project_context and command.
type AddMemoryOptions struct {
	Category string
	Metadata map[string]any
	Infer    bool // let the service draw facts from the text; not for batches
}

// SearchMemoryOptions bound a search.
type SearchMemoryOptions struct{ Limit int } // default 10

// SandboxMemory is what is remembered for one sandbox, see [Sandbox.Memory].
type SandboxMemory struct{ store memoryStore }

// UserMemory is what is remembered for the account, across sandboxes, see [Client.UserMemory].
type UserMemory struct{ store memoryStore }

// Memory returns the sandbox's memory, without a request.
func (s *Sandbox) Memory() *SandboxMemory {
	if s == nil {
		return &SandboxMemory{}
	}
	return &SandboxMemory{memoryStore{
		client: s.client, sandbox: s, of: "memory of " + s.op("sandbox"),
		add: wire.SandboxMemoryAdd, batch: wire.SandboxMemoryBatch, search: wire.SandboxMemorySearch,
		list: wire.SandboxMemoryList, remove: wire.SandboxMemoryDelete, clear: wire.SandboxMemoryDeleteAll,
	}}
}

// UserMemory returns the account's memory, without a request.
func (c *Client) UserMemory() *UserMemory {
	return &UserMemory{memoryStore{
		client: c, of: "user memory",
		add: wire.UserMemoryAdd, batch: wire.UserMemoryBatch, search: wire.UserMemorySearch,
		list: wire.UserMemoryList, remove: wire.UserMemoryDelete, clear: wire.UserMemoryDeleteAll,
	}}
}

// Add remembers a text (POST …/memory).
func (m *SandboxMemory) Add(ctx context.Context, text string, opts *AddMemoryOptions) ([]MemoryResult, error) {
	return m.of().addOne(ctx, text, opts)
}

// AddBatch remembers several facts at once (POST …/memory/batch).
func (m *SandboxMemory) AddBatch(ctx context.Context, facts []string, opts *AddMemoryOptions) ([]MemoryResult, error) {
	return m.of().addMany(ctx, facts, opts)
}

// Search returns what fits the query, best first (GET …/memory?q=…).
func (m *SandboxMemory) Search(ctx context.Context, query string, opts *SearchMemoryOptions) ([]Memory, error) {
	return m.of().find(ctx, query, opts)
}

// List returns everything, newest first (GET …/memory).
func (m *SandboxMemory) List(ctx context.Context) ([]Memory, error) { return m.of().all(ctx) }

// Delete forgets one fact (DELETE …/memory/{id}).
func (m *SandboxMemory) Delete(ctx context.Context, id string) error { return m.of().forget(ctx, id) }

// DeleteAll forgets everything of this sandbox (DELETE …/memory).
func (m *SandboxMemory) DeleteAll(ctx context.Context) error { return m.of().forgetAll(ctx) }

// Feedback says whether a fact was useful; it counts in later searches (POST /memory/{id}/feedback).
func (m *SandboxMemory) Feedback(ctx context.Context, id string, useful bool) error {
	return m.of().feedback(ctx, id, useful)
}

// Add remembers a text (POST /memory).
func (m *UserMemory) Add(ctx context.Context, text string, opts *AddMemoryOptions) ([]MemoryResult, error) {
	return m.of().addOne(ctx, text, opts)
}

// AddBatch remembers several facts at once (POST /memory/batch).
func (m *UserMemory) AddBatch(ctx context.Context, facts []string, opts *AddMemoryOptions) ([]MemoryResult, error) {
	return m.of().addMany(ctx, facts, opts)
}

// Search returns what fits the query, best first (GET /memory?q=…).
func (m *UserMemory) Search(ctx context.Context, query string, opts *SearchMemoryOptions) ([]Memory, error) {
	return m.of().find(ctx, query, opts)
}

// List returns everything, newest first (GET /memory).
func (m *UserMemory) List(ctx context.Context) ([]Memory, error) { return m.of().all(ctx) }

// Delete forgets one fact (DELETE /memory/{id}).
func (m *UserMemory) Delete(ctx context.Context, id string) error { return m.of().forget(ctx, id) }

// DeleteAll forgets everything of this account's memory (DELETE /memory).
func (m *UserMemory) DeleteAll(ctx context.Context) error { return m.of().forgetAll(ctx) }

// Feedback says whether a fact was useful; it counts in later searches (POST /memory/{id}/feedback).
func (m *UserMemory) Feedback(ctx context.Context, id string, useful bool) error {
	return m.of().feedback(ctx, id, useful)
}

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
		if err := m.sandbox.ready(ctx, op); err != nil {
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
