package main

import (
	"context"
	"slices"
	"strings"

	"github.com/sandflare/sandflare-go"
)

var memoryFacts = []string{
	"The project uses FastAPI with a PostgreSQL database",
	"Deploys happen on Fridays from the release branch",
	"Unit tests run with pytest in parallel",
}

// memory is what both levels of it can do.
type memory interface {
	Add(ctx context.Context, text string, opts *sandflare.AddMemoryOptions) ([]sandflare.MemoryResult, error)
	AddBatch(ctx context.Context, facts []string, opts *sandflare.AddMemoryOptions) ([]sandflare.MemoryResult, error)
	Search(ctx context.Context, query string, opts *sandflare.SearchMemoryOptions) ([]sandflare.Memory, error)
	List(ctx context.Context) ([]sandflare.Memory, error)
	Delete(ctx context.Context, id string) error
	DeleteAll(ctx context.Context) error
	Feedback(ctx context.Context, id string, useful bool) error
}

func (s *scenario) memories() {
	s.heading = "AI Memory (mem0-backed)"
	sb := s.labelled("memory")
	s.memory("sandbox", sb.Memory())
	s.step("sandboxes know nothing of each other", func() (any, error) {
		other := s.labelled("other memory")
		defer other.Close()
		_, err := sb.Memory().Add(s.ctx, "Only the first sandbox knows this", nil)
		if err != nil {
			return nil, err
		}
		return []any{s.attempt(count(sb.Memory().List(s.ctx))), s.attempt(count(other.Memory().List(s.ctx)))}, nil
	})
	s.step(`README: r["memory"]`, func() (any, error) { return firstText(sb.Memory().Search(s.ctx, "first sandbox", nil)) })
	_ = sb.Close()
	user := s.client.UserMemory()
	s.memory("user", user)
	s.step("user: lasts", func() (any, error) {
		if _, err := user.Add(s.ctx, "Prefers TypeScript over JavaScript", nil); err != nil {
			return nil, err
		}
		found, err := user.Search(s.ctx, "language preferences TypeScript", nil)
		texts := []string{}
		for _, m := range found {
			texts = append(texts, m.Text)
		}
		return texts, err
	})
	s.step("from sandflare import UserMemory", func() (any, error) { return count(s.client.UserMemory().List(s.ctx)) })
	s.step("Sandbox.user_memory()", func() (any, error) { return count(s.client.UserMemory().List(s.ctx)) })
}

func count(list []sandflare.Memory, err error) (any, error) { return len(list), err }

func firstText(list []sandflare.Memory, err error) (any, error) {
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list[0].Text, nil
}

func resultsOf(list []sandflare.MemoryResult, err error) (any, error) {
	rows := []any{}
	for _, r := range list {
		rows = append(rows, []any{r.Event, r.ID != ""})
	}
	return rows, err
}

func (s *scenario) memory(name string, m memory) {
	search := func(query string) ([]sandflare.Memory, error) { return m.Search(s.ctx, query, nil) }
	list := func() []sandflare.Memory {
		all, err := m.List(s.ctx)
		if err != nil || len(all) == 0 {
			return []sandflare.Memory{{Text: s.failure(err)}}
		}
		return all
	}
	s.step(name+": add", func() (any, error) {
		return resultsOf(m.Add(s.ctx, "User prefers async patterns and strict typing", nil))
	})
	s.step(name+": add with category and metadata", func() (any, error) {
		return resultsOf(m.Add(s.ctx, "Bug fix: always call .commit() after INSERT",
			&sandflare.AddMemoryOptions{Category: "bug_fix", Metadata: map[string]any{"topic": "db", "n": 1}}))
	})
	s.step(name+": add with infer", func() (any, error) {
		list, err := m.Add(s.ctx, "The team speaks German", &sandflare.AddMemoryOptions{Infer: true})
		return len(list) >= 1, err
	})
	s.step(name+": batch_add", func() (any, error) {
		return resultsOf(m.AddBatch(s.ctx, memoryFacts, &sandflare.AddMemoryOptions{Category: "project_context", Metadata: map[string]any{"batch": true}}))
	})
	s.step(name+": search", func() (any, error) { return firstText(search("what database does this project use?")) })
	s.step(name+": search a category", func() (any, error) {
		found, err := search("bug fix commit")
		if err != nil || len(found) == 0 {
			return nil, err
		}
		return found[0].Categories, nil
	})
	s.step(name+": search finds nothing", func() (any, error) { return search("zebra") })
	s.step(name+": search limit", func() (any, error) {
		return count(m.Search(s.ctx, "project deploys tests uses run patterns team", &sandflare.SearchMemoryOptions{Limit: 2}))
	})
	s.step(name+": list, newest first", func() (any, error) {
		all := list()
		return []any{slices.Contains(memoryFacts, all[0].Text), all[len(all)-1].Text, len(all)}, nil
	})
	s.step(name+": entry", func() (any, error) {
		for _, e := range list() {
			if strings.Contains(e.Text, "commit") {
				return []any{e.Categories, e.Metadata, !e.CreatedAt.IsZero(), e.ID != ""}, nil
			}
		}
		return nil, nil
	})
	s.step(name+": feedback moves the score", func() (any, error) {
		const query = "project pytest database"
		before, err := search(query)
		if err != nil || len(before) == 0 {
			return nil, err
		}
		if err := m.Feedback(s.ctx, before[0].ID, false); err != nil {
			return nil, err
		}
		after, err := search(query)
		for _, e := range after {
			if e.ID == before[0].ID {
				return e.Score < before[0].Score, nil
			}
		}
		return len(after) > 0, err
	})
	s.step(name+": delete", func() (any, error) {
		before := list()
		err := m.Delete(s.ctx, before[0].ID)
		return len(before) - len(list()), err
	})
	s.step(name+": delete: not there", func() (any, error) { return nil, m.Delete(s.ctx, "mem-none") })
	s.step(name+": delete_all", func() (any, error) {
		if err := m.DeleteAll(s.ctx); err != nil {
			return nil, err
		}
		return count(m.List(s.ctx))
	})
}
