package sandflare

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"time"

	"github.com/sandflare/sandflare-go/internal/ignore"
)

// syncEntry is a file, folder or link of a tree.
type syncEntry struct {
	name  string // relative, separated by slashes
	kind  entryKind
	mode  fs.FileMode // permission bits
	size  int64
	mtime time.Time
	link  string // where a link leads
	out   bool   // excluded
}

// entryKind is a type of file, as find calls it.
type entryKind byte

const (
	isFile   entryKind = 'f'
	isFolder entryKind = 'd'
	isLink   entryKind = 'l'
)

func (k entryKind) synced() bool { return k == isFile || k == isFolder || k == isLink }

// bytes is what there is to send of the entry's content.
func (e *syncEntry) bytes() int64 {
	if e.kind == isFile {
		return e.size
	}
	return 0
}

// hasModes is false where files have no permission bits to be kept.
const hasModes = runtime.GOOS != "windows"

// same reports whether an entry need not be sent; coarse compares whole seconds.
func (e *syncEntry) same(old *syncEntry, coarse bool) bool {
	switch {
	case e.kind != old.kind:
		return false
	case e.kind == isLink:
		return e.link == old.link
	case hasModes && e.mode != old.mode, e.kind == isFile && e.size != old.size:
		return false
	case coarse:
		return e.mtime.Unix() == old.mtime.Unix()
	case runtime.GOOS == "windows": // keeps no finer times
		return e.mtime.Truncate(100).Equal(old.mtime.Truncate(100))
	}
	return e.mtime.Equal(old.mtime)
}

// scanLocal lists a local tree, each folder before what lies in it; one that is not there is empty.
func scanLocal(dir string, skip *ignore.Git) ([]syncEntry, error) {
	scan := &localScan{dir: dir, skip: skip}
	if err := scan.folder(""); err != nil {
		if _, missing := os.Stat(dir); errors.Is(missing, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, err
	}
	return scan.entries, nil
}

type localScan struct {
	dir     string
	skip    *ignore.Git
	entries []syncEntry
}

func (s *localScan) folder(name string) error {
	rows, err := os.ReadDir(filepath.Join(s.dir, name))
	if err != nil {
		return err
	}
	for _, row := range rows {
		e, err := s.entry(path.Join(name, row.Name()), row)
		if errors.Is(err, fs.ErrNotExist) { // gone since it was listed
			continue
		}
		if err != nil {
			return err
		}
		s.entries = append(s.entries, e)
		if e.kind == isFolder && !e.out {
			if err := s.folder(e.name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *localScan) entry(name string, row fs.DirEntry) (syncEntry, error) {
	info, err := row.Info()
	if err != nil {
		return syncEntry{}, err
	}
	e := entryFromInfo(name, info)
	e.out = s.skip.Match(name, e.kind == isFolder)
	if e.kind == isLink {
		e.link, err = os.Readlink(filepath.Join(s.dir, name))
		e.link = filepath.ToSlash(e.link)
	}
	return e, err
}

func entryFromInfo(name string, info fs.FileInfo) syncEntry {
	e := syncEntry{name: name, mode: info.Mode().Perm(), size: info.Size(), mtime: info.ModTime()}
	switch info.Mode().Type() {
	case 0:
		e.kind = isFile
	case fs.ModeDir:
		e.kind = isFolder
	case fs.ModeSymlink:
		e.kind = isLink
	}
	if !hasModes {
		e.mode = map[entryKind]fs.FileMode{isFile: 0o644, isFolder: 0o755}[e.kind]
	}
	return e
}
