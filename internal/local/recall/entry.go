package recall

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Entry is one memory. Useful and NotUseful count feedback.
type Entry struct {
	ID         string         `json:"id"`
	Text       string         `json:"text"`
	UserID     string         `json:"user_id,omitempty"`
	AgentID    string         `json:"agent_id,omitempty"`
	Categories []string       `json:"categories,omitempty"`
	Metadata   map[string]any `json:"metadata,omitempty"`
	Infer      bool           `json:"infer,omitempty"`
	CreatedAt  time.Time      `json:"created_at"`
	Useful     int            `json:"useful,omitempty"`
	NotUseful  int            `json:"not_useful,omitempty"`
}

// Hit is an entry found by [Store.Search] and its score, above 0 and at most 1.
type Hit struct {
	Entry
	Score float64
}

// What [Store.Add] did.
const (
	EventAdd    = "ADD"    // a new entry
	EventUpdate = "UPDATE" // the same text was there; it got new categories or metadata
	EventNone   = "NONE"   // the same text was there with all of that
)

// Result names the entry that [Store.Add] made or found.
type Result struct{ ID, Event string }

func (e Entry) clone() Entry {
	e.Categories = slices.Clone(e.Categories)
	e.Metadata = maps.Clone(e.Metadata)
	return e
}

// merge takes in what other knows more and reports whether that is anything.
func (e *Entry) merge(other Entry) bool {
	before := e.clone()
	for _, c := range other.Categories {
		if !slices.Contains(e.Categories, c) {
			e.Categories = append(e.Categories, c)
		}
	}
	if e.Metadata == nil && len(other.Metadata) > 0 {
		e.Metadata = map[string]any{}
	}
	maps.Copy(e.Metadata, other.Metadata)
	return len(e.Categories) != len(before.Categories) || !maps.EqualFunc(e.Metadata, before.Metadata, same)
}

// same compares JSON values by how they print: numbers may be of several types.
func same(a, b any) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

// terms are the words an entry is found by: its text, categories, and the
// values, not the names, of its metadata.
func (e *Entry) terms() []string {
	terms := documentTerms(e.Text)
	for _, c := range e.Categories {
		terms = append(terms, documentTerms(c)...)
	}
	for _, key := range slices.Sorted(maps.Keys(e.Metadata)) {
		terms = append(terms, valueTerms(e.Metadata[key])...)
	}
	return terms
}

func valueTerms(value any) []string {
	var terms []string
	switch v := value.(type) {
	case nil:
	case []any:
		for _, item := range v {
			terms = append(terms, valueTerms(item)...)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			terms = append(terms, valueTerms(v[key])...)
		}
	default:
		terms = documentTerms(fmt.Sprint(v))
	}
	return terms
}
