package sandflare

import (
	"context"
	"time"

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
