package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/sandflare/sandflare-go/internal/local/guest"
)

// store keeps records with a file tree each, as folders named by their id. A
// record is there whole or not at all: it is written beside its place, synced
// and renamed; what is taken out is renamed first.
type store struct {
	dir     string
	durable bool // sync to disk: what was acknowledged survives
}

const (
	recordFile = "record.json"
	treeDir    = "tree"
	halfMade   = ".new-"
	halfGone   = ".gone-"
)

// openStore makes the folder and clears away what an earlier end left half done.
func openStore(dir string, durable bool) (*store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") {
			err = errors.Join(err, guest.RemoveAll(filepath.Join(dir, entry.Name())))
		}
	}
	return &store{dir: dir, durable: durable}, err
}

// tree is where a record's files are.
func (s *store) tree(id string) string { return filepath.Join(s.dir, id, treeDir) }

// load gives each record to add.
func (s *store) load(add func(id string, record []byte) error) error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		data, err := os.ReadFile(filepath.Join(s.dir, entry.Name(), recordFile))
		if err == nil {
			err = add(entry.Name(), data)
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", filepath.Join(s.dir, entry.Name()), err)
		}
	}
	return nil
}

// add makes a record. fill, when given, fills its tree; the record is what it
// says afterwards.
func (s *store) add(id string, record any, fill func(tree string) error) error {
	work := filepath.Join(s.dir, halfMade+id)
	err := s.build(work, record, fill)
	if err == nil {
		err = os.Rename(work, filepath.Join(s.dir, id))
	}
	if err != nil {
		return errors.Join(err, guest.RemoveAll(work))
	}
	return s.syncDir(s.dir)
}

func (s *store) build(work string, record any, fill func(tree string) error) error {
	tree := filepath.Join(work, treeDir)
	if err := os.MkdirAll(tree, 0o700); err != nil {
		return err
	}
	if fill != nil {
		if err := fill(tree); err != nil {
			return err
		}
	}
	return s.write(work, record)
}

// update replaces a record, not its tree.
func (s *store) update(id string, record any) error {
	return s.write(filepath.Join(s.dir, id), record)
}

func (s *store) write(dir string, record any) error {
	data, err := json.MarshalIndent(record, "", "  ")
	if err != nil {
		return err
	}
	next := filepath.Join(dir, recordFile+".new")
	if err := s.writeFile(next, data); err != nil {
		return err
	}
	if err := os.Rename(next, filepath.Join(dir, recordFile)); err != nil {
		return err
	}
	return s.syncDir(dir)
}

func (s *store) writeFile(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if s.durable {
		err = errors.Join(err, file.Sync())
	}
	return errors.Join(err, file.Close())
}

// remove takes a record out and removes its tree.
func (s *store) remove(id string) error {
	gone := filepath.Join(s.dir, halfGone+id)
	if err := os.Rename(filepath.Join(s.dir, id), gone); err != nil {
		return err
	}
	if err := s.syncDir(s.dir); err != nil {
		return err
	}
	return guest.RemoveAll(gone)
}

func (s *store) syncDir(path string) error {
	if !s.durable {
		return nil
	}
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
