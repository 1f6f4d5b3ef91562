package recall

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// ErrNotFound means that no entry has the id.
var ErrNotFound = errors.New("memory not found")

// Store holds entries and their index. It may be used by several goroutines.
// The zero value is not usable; see [New].
type Store struct {
	mu     sync.RWMutex
	docs   map[string]*document // by id
	byText map[string]*document
	index  map[string]map[*document]int // term → how often it stands in a document
	length int                          // terms of all documents
	next   uint64
}

type document struct {
	Entry
	serial uint64 // breaks ties between entries of one moment
	terms  map[string]int
	length int
}

// New makes a store of entries in the order in which [Store.List] gave them.
// Entries that [Store.Add] would refuse, or that repeat an id or a text, are
// dropped.
func New(entries ...Entry) *Store {
	s := &Store{}
	s.clear()
	for _, e := range slices.Backward(entries) {
		if s.refuse(e) == nil && s.byText[e.Text] == nil {
			s.insert(e.clone())
		}
	}
	return s
}

func (s *Store) clear() {
	s.docs, s.byText = map[string]*document{}, map[string]*document{}
	s.index, s.length = map[string]map[*document]int{}, 0
}

// Add stores an entry, whose ID the caller chooses. A text that is there
// already, to the letter, is not stored twice: the older entry keeps its id and
// time and gets the new categories and metadata values, and the result names
// it. Errors: a text of blanks, an empty id, an id that is taken.
func (s *Store) Add(e Entry) (Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.byText[e.Text]; d != nil {
		merged := d.Entry.clone()
		if !merged.merge(e) {
			return Result{d.ID, EventNone}, nil
		}
		s.reindex(d, merged)
		return Result{d.ID, EventUpdate}, nil
	}
	if err := s.refuse(e); err != nil {
		return Result{}, err
	}
	s.insert(e.clone())
	return Result{e.ID, EventAdd}, nil
}

func (s *Store) refuse(e Entry) error {
	switch {
	case strings.TrimSpace(e.Text) == "":
		return errors.New("a memory needs a text")
	case e.ID == "":
		return errors.New("a memory needs an id")
	case s.docs[e.ID] != nil:
		return fmt.Errorf("memory %s exists already", e.ID)
	}
	return nil
}

func (s *Store) insert(e Entry) {
	s.next++
	d := &document{serial: s.next}
	s.reindex(d, e)
	s.docs[e.ID], s.byText[e.Text] = d, d
}

// reindex gives a document, new or known, the contents e.
func (s *Store) reindex(d *document, e Entry) {
	s.unindex(d)
	terms := e.terms()
	d.Entry, d.terms, d.length = e, map[string]int{}, len(terms)
	for _, term := range terms {
		d.terms[term]++
	}
	for term, n := range d.terms {
		if s.index[term] == nil {
			s.index[term] = map[*document]int{}
		}
		s.index[term][d] = n
	}
	s.length += d.length
}

func (s *Store) unindex(d *document) {
	for term := range d.terms {
		delete(s.index[term], d)
		if len(s.index[term]) == 0 {
			delete(s.index, term)
		}
	}
	s.length -= d.length
}

// Get returns the entry with the id.
func (s *Store) Get(id string) (Entry, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if d := s.docs[id]; d != nil {
		return d.clone(), true
	}
	return Entry{}, false
}

// List returns all entries, newest first.
func (s *Store) List() []Entry {
	s.mu.RLock()
	defer s.mu.RUnlock()
	docs := make([]*document, 0, len(s.docs))
	for _, d := range s.docs {
		docs = append(docs, d)
	}
	slices.SortFunc(docs, newest)
	out := make([]Entry, 0, len(docs))
	for _, d := range docs {
		out = append(out, d.clone())
	}
	return out
}

// newest orders by time, then by the order of adding.
func newest(a, b *document) int {
	if c := b.CreatedAt.Compare(a.CreatedAt); c != 0 {
		return c
	}
	if a.serial > b.serial {
		return -1
	}
	return 1
}

// Delete removes an entry, or returns [ErrNotFound].
func (s *Store) Delete(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.docs[id]
	if d == nil {
		return ErrNotFound
	}
	s.unindex(d)
	delete(s.docs, id)
	delete(s.byText, d.Text)
	return nil
}

// DeleteAll removes all entries.
func (s *Store) DeleteAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
}

// Feedback counts whether an entry was useful, or returns [ErrNotFound].
func (s *Store) Feedback(id string, useful bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.docs[id]
	switch {
	case d == nil:
		return ErrNotFound
	case useful:
		d.Useful++
	default:
		d.NotUseful++
	}
	return nil
}
