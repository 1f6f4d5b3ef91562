package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/sandflare/sandflare-go/internal/local/recall"
)

// memory is one level of remembered facts: a sandbox's, gone with it, or the
// user's, which a data folder keeps.
type memory struct {
	kept *store // nil: nowhere but here

	mu    sync.RWMutex // held alone by a change until it is kept
	facts *recall.Store
}

func newMemory() *memory { return &memory{facts: recall.New()} }

// openMemory reads what the folder keeps.
func openMemory(dir string) (*memory, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	m := &memory{kept: &store{dir: dir, durable: true}, facts: recall.New()}
	path := filepath.Join(dir, recordFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	var entries []recall.Entry
	if err == nil {
		err = unmarshal(data, &entries)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	m.facts = recall.New(entries...)
	return m, nil
}

// add remembers facts, all of them or none.
func (m *memory) add(entries []recall.Entry) (results []recall.Result, err error) {
	for _, entry := range entries {
		if strings.TrimSpace(entry.Text) == "" {
			return nil, badRequest("there is an empty text: a memory needs words")
		}
	}
	err = m.change(func(facts *recall.Store) error {
		for _, entry := range entries {
			result, err := facts.Add(entry)
			if err != nil {
				return err
			}
			results = append(results, result)
		}
		return nil
	})
	return results, err
}

func (m *memory) search(query string, limit int) []recall.Hit {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.facts.Search(query, limit)
}

func (m *memory) list() []recall.Entry {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.facts.List()
}

func (m *memory) remove(id string) error {
	return m.change(func(facts *recall.Store) error { return facts.Delete(id) })
}

func (m *memory) removeAll() error {
	return m.change(func(facts *recall.Store) error { facts.DeleteAll(); return nil })
}

func (m *memory) feedback(id string, useful bool) error {
	return m.change(func(facts *recall.Store) error { return facts.Feedback(id, useful) })
}

// change makes a change and keeps it, or undoes it: what was answered with
// success is on disk, what was not is not remembered either.
func (m *memory) change(do func(*recall.Store) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept == nil {
		return do(m.facts)
	}
	before := m.facts.List()
	err := do(m.facts)
	if err == nil {
		err = m.kept.write(m.kept.dir, m.facts.List())
	}
	if err != nil {
		m.facts = recall.New(before...)
	}
	return err
}

// feedback finds a memory on either level.
func (e *engine) feedback(id string, useful bool) error {
	err := e.memory.feedback(id, useful)
	for _, sb := range e.list() {
		if !errors.Is(err, recall.ErrNotFound) {
			break
		}
		err = sb.memory.feedback(id, useful)
	}
	return err
}
