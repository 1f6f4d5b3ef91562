package local

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/sandflare/sandflare-go/internal/local/recall"
	"github.com/sandflare/sandflare-go/internal/wire"
)

// localUser is whom the user's memories belong to.
const localUser = "local"

const defaultFound = 10 // memories that a search answers

// level finds the memory that a call is about, and what its new entries say of it.
type level func(r *http.Request) (*memory, recall.Entry, error)

func (s *Server) memoryRoutes() {
	of := s.sandboxMemory
	s.on(wire.SandboxMemoryAdd, s.addMemory(of))
	s.on(wire.SandboxMemoryBatch, s.addMemories(of))
	s.on(wire.SandboxMemoryList, findMemories(of))
	s.on(wire.SandboxMemoryDelete, deleteMemory(of))
	s.on(wire.SandboxMemoryDeleteAll, deleteMemories(of))
	of = s.userMemory
	s.on(wire.UserMemoryAdd, s.addMemory(of))
	s.on(wire.UserMemoryBatch, s.addMemories(of))
	s.on(wire.UserMemoryList, findMemories(of))
	s.on(wire.UserMemoryDelete, deleteMemory(of))
	s.on(wire.UserMemoryDeleteAll, deleteMemories(of))
	s.on(wire.MemoryFeedback, s.memoryFeedback)
}

func (s *Server) sandboxMemory(r *http.Request) (*memory, recall.Entry, error) {
	sb, err := s.engine.sandbox(r.PathValue("id"))
	if err != nil {
		return nil, recall.Entry{}, err
	}
	return sb.memory, recall.Entry{UserID: localUser, AgentID: sb.name}, nil
}

func (s *Server) userMemory(*http.Request) (*memory, recall.Entry, error) {
	return s.engine.memory, recall.Entry{UserID: localUser}, nil
}

func (s *Server) addMemory(of level) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		var body wire.AddMemory
		if err := decode(r, &body); err != nil {
			return err
		}
		like := recall.Entry{Categories: categories(body.Category), Metadata: body.Metadata, Infer: body.Infer}
		return s.remember(w, r, of, []string{body.Text}, like)
	}
}

func (s *Server) addMemories(of level) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		var body wire.AddMemories
		if err := decode(r, &body); err != nil {
			return err
		}
		if len(body.Facts) == 0 {
			return badRequest("facts is missing or empty")
		}
		like := recall.Entry{Categories: categories(body.Category), Metadata: body.Metadata}
		return s.remember(w, r, of, body.Facts, like)
	}
}

func categories(category string) []string {
	if category == "" {
		return nil
	}
	return []string{category}
}

// remember adds texts that are alike in all else.
func (s *Server) remember(w http.ResponseWriter, r *http.Request, of level, texts []string, like recall.Entry) error {
	memory, owner, err := of(r)
	if err != nil {
		return err
	}
	like.UserID, like.AgentID, like.CreatedAt = owner.UserID, owner.AgentID, s.engine.clock.now()
	entries := make([]recall.Entry, len(texts))
	for i, text := range texts {
		entries[i] = like
		entries[i].ID, entries[i].Text = s.engine.ids.next("mem-"), text
	}
	results, err := memory.add(entries)
	if err != nil {
		return err
	}
	answer := wire.MemoryResults{Results: []wire.MemoryResult{}}
	for _, result := range results {
		answer.Results = append(answer.Results, wire.MemoryResult(result))
	}
	return reply(w, answer)
}

// findMemories lists, or searches when there is a query.
func findMemories(of level) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		memory, _, err := of(r)
		if err != nil {
			return err
		}
		if r.URL.Query().Has("q") {
			return searchMemories(w, r, memory)
		}
		answer := wire.Memories{Memories: []wire.Memory{}}
		for _, entry := range memory.list() {
			answer.Memories = append(answer.Memories, memoryOf(entry, 0))
		}
		return reply(w, answer)
	}
}

func searchMemories(w http.ResponseWriter, r *http.Request, memory *memory) error {
	query, limit := r.URL.Query(), defaultFound
	if query.Has("limit") {
		n, err := strconv.Atoi(query.Get("limit"))
		if err != nil || n < 1 {
			return badRequest("limit is %q: use 1 or more", query.Get("limit"))
		}
		limit = n
	}
	if query.Get("q") == "" {
		return badRequest("q is empty: leave it out to list all memories")
	}
	answer := wire.Memories{Memories: []wire.Memory{}}
	for _, hit := range memory.search(query.Get("q"), limit) {
		answer.Memories = append(answer.Memories, memoryOf(hit.Entry, hit.Score))
	}
	return reply(w, answer)
}

func memoryOf(entry recall.Entry, score float64) wire.Memory {
	memory := wire.Memory{
		ID: entry.ID, Memory: entry.Text, Score: score, UserID: entry.UserID, AgentID: entry.AgentID, Infer: entry.Infer,
		Categories: append([]string{}, entry.Categories...), Metadata: map[string]any{}, CreatedAt: wire.Time{Time: entry.CreatedAt},
	}
	if entry.Metadata != nil {
		memory.Metadata = entry.Metadata
	}
	return memory
}

func deleteMemory(of level) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		memory, _, err := of(r)
		if err != nil {
			return err
		}
		id := r.PathValue("memory")
		if err := memory.remove(id); err != nil {
			return noMemory(id, err)
		}
		return reply(w, done{Status: "deleted", ID: id})
	}
}

func deleteMemories(of level) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		memory, _, err := of(r)
		if err != nil {
			return err
		}
		if err := memory.removeAll(); err != nil {
			return err
		}
		return reply(w, done{Status: "deleted"})
	}
}

// memoryFeedback has one path for both levels.
func (s *Server) memoryFeedback(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Useful *bool `json:"useful"` // as wire.Feedback; missing is no "false"
	}
	if err := decode(r, &body); err != nil {
		return err
	}
	if body.Useful == nil {
		return badRequest("useful is missing: true or false")
	}
	id := r.PathValue("memory")
	if err := s.engine.feedback(id, *body.Useful); err != nil {
		return noMemory(id, err)
	}
	return reply(w, done{Status: "recorded", ID: id})
}

func noMemory(id string, err error) error {
	if errors.Is(err, recall.ErrNotFound) {
		return notFound("there is no memory %q", id)
	}
	return err
}
