package local

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/sandflare/sandflare-go/internal/local/guest"
)

const (
	stateName = "sandflare-local-" // and a random part, in the temp folder
	stateMark = ".state-of-sandflare-local"
)

// lockedDir is a folder that one server owns while it lives: the lock is on the
// folder itself and ends with the process, whatever ends it.
type lockedDir struct {
	path string
	file *os.File
}

// newStateDir makes a private folder for one server under parent.
func newStateDir(parent string) (*lockedDir, error) {
	for range 10 {
		path, err := os.MkdirTemp(parent, stateName)
		if err != nil {
			return nil, fmt.Errorf("make the state folder: %w", err)
		}
		dir, err := lockDir(path)
		if err == nil {
			return dir, os.WriteFile(filepath.Join(path, stateMark), nil, 0o600)
		}
		if !errors.Is(err, errLocked) {
			return nil, errors.Join(err, os.Remove(path))
		}
		// Another server's sweep came between the two steps.
	}
	return nil, errors.New("make the state folder: others keep removing it")
}

// errLocked says that another process owns a folder.
var errLocked = errors.New("in use by another process")

// lockDir locks a folder, or fails with errLocked. A folder that was removed
// while it was being locked counts as locked.
func lockDir(path string) (*lockedDir, error) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, errLocked
	}
	if err != nil {
		return nil, err
	}
	if err := flock(file); err != nil {
		file.Close()
		return nil, err
	}
	locked, err1 := file.Stat()
	there, err2 := os.Lstat(path)
	if err1 != nil || err2 != nil || !os.SameFile(locked, there) {
		file.Close()
		return nil, errLocked
	}
	return &lockedDir{path: path, file: file}, nil
}

// sub makes a folder inside.
func (d *lockedDir) sub(name string) (string, error) {
	path := filepath.Join(d.path, name)
	return path, os.MkdirAll(path, 0o700)
}

func (d *lockedDir) unlock() error { return d.file.Close() }

// remove removes the folder with all it holds, then gives up the lock.
func (d *lockedDir) remove() error {
	return errors.Join(guest.RemoveAll(d.path), d.unlock())
}

// sweep removes the state folders under parent whose servers were killed. A
// folder without the mark only has the name of one.
func sweep(parent string) (removed []string) {
	paths, _ := filepath.Glob(filepath.Join(parent, stateName+"*"))
	for _, path := range paths {
		if _, err := os.Lstat(filepath.Join(path, stateMark)); err != nil || !ownDir(path) {
			continue
		}
		dir, err := lockDir(path)
		if err != nil {
			continue // its server lives
		}
		if dir.remove() == nil {
			removed = append(removed, path)
		}
	}
	return removed
}
