package sandflare

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/sandflare/sandflare-go/internal/ignore"
)

// remoteTree is a folder in the sandbox and what the tools there can do.
type remoteTree struct {
	entries []syncEntry
	state   string // none, file, fine, coarse: see listScript
	pax     bool
}

// listScript prints what tar takes and what there is, then the list of the tree:
// gzip and base64, because an answer is text and names are bytes. A record is
// fields separated by tabs, the last of them the name, NUL, link, NUL. "coarse" is
// for a find without -printf: there stat knows the type, and whole seconds.
const listScript = `case $(tar --version 2>/dev/null) in *GNU*|*bsdtar*) echo pax;; *) echo plain;; esac
if [ ! -d "$d" ]; then
  if [ -e "$d" ] || [ -L "$d" ]; then echo file; else echo none; fi
  exit
fi
cd -- "$d" || exit
export LC_ALL=C
set -o pipefail
if find . -maxdepth 0 -printf '' 2>/dev/null; then
  echo fine
  find . -ignore_readdir_race -mindepth 1 -printf '%y\t%m\t%s\t%T@\t%P\0%l\0' | gzip -1 | base64
else
  echo coarse
  find . -mindepth 1 -exec bash -c '
    set -o pipefail
    stat -c "%f %s %Y" -- "$@" | for f; do
      read -r mode size time || exit
      link=
      if [ -L "$f" ]; then link=$(readlink -n -- "$f" && echo .) || exit; link=${link%.}; fi
      printf "%s\t%s\t%s\t%s\0%s\0" "$mode" "$size" "$time" "${f#./}" "$link"
    done' _ {} + | gzip -1 | base64
fi`

const maxList = maxOutput // bytes, unzipped: some millions of files

// list asks for the tree in the sandbox.
func (r *syncRun) list(ctx context.Context) (*remoteTree, error) {
	begin := path.Base(r.helper)
	out, err := r.exec(ctx, "echo "+begin+"\n"+listScript)
	if err != nil {
		return nil, err
	}
	if _, after, ok := strings.Cut(out, begin+"\n"); ok { // before it is what a profile prints
		out = after
	}
	tar, rest, _ := strings.Cut(out, "\n")
	state, data, _ := strings.Cut(rest, "\n")
	tree := &remoteTree{pax: tar == "pax", state: state}
	switch state {
	case "none":
		return tree, nil
	case "file":
		return nil, r.fail(&fs.PathError{Op: "open", Path: r.dir, Err: syscall.ENOTDIR})
	case "fine", "coarse":
		if tree.entries, err = parseList(data, state == "coarse"); err == nil {
			err = checkTree(tree.entries)
		}
	default:
		err = errors.New("it does not begin as it should")
	}
	if err != nil {
		return nil, r.fail(fmt.Errorf("the list of %s cannot be used: %w", r.dir, err))
	}
	mark(tree.entries, r.skip)
	return tree, nil
}

// parseList reads the records of listScript.
func parseList(data string, coarse bool) ([]syncEntry, error) {
	unzipped, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(data)))
	if err != nil {
		return nil, err
	}
	list, err := io.ReadAll(io.LimitReader(unzipped, maxList+1))
	if err != nil {
		return nil, err
	}
	if len(list) > maxList {
		return nil, fmt.Errorf("it is longer than %d bytes", maxList)
	}
	read := parseFine
	if coarse {
		read = parseCoarse
	}
	entries := make([]syncEntry, 0, bytes.Count(list, []byte{0})/2)
	for rest := string(list); rest != ""; {
		record, after, one := strings.Cut(rest, "\x00")
		link, after, two := strings.Cut(after, "\x00")
		e, err := read(record)
		if err != nil || !one || !two {
			return nil, fmt.Errorf("record %d is %q", len(entries)+1, record)
		}
		e.link, rest = link, after
		entries = append(entries, e)
	}
	return entries, nil
}

// parseFine reads type, octal mode, size, time and name.
func parseFine(record string) (e syncEntry, err error) {
	kind, rest, _ := strings.Cut(record, "\t")
	mode, rest, _ := strings.Cut(rest, "\t")
	size, rest, _ := strings.Cut(rest, "\t")
	mtime, name, ok := strings.Cut(rest, "\t")
	if !ok || len(kind) != 1 {
		return e, errors.New("fields are missing")
	}
	bits, err := strconv.ParseUint(mode, 8, 32)
	if err != nil {
		return e, err
	}
	e = syncEntry{name: name, kind: entryKind(kind[0]), mode: fs.FileMode(bits) & fs.ModePerm}
	return e, e.setSizeAndTime(size, mtime)
}

// parseCoarse reads the mode of stat(2) in hexadecimal, size, time and name.
func parseCoarse(record string) (e syncEntry, err error) {
	mode, rest, _ := strings.Cut(record, "\t")
	size, rest, _ := strings.Cut(rest, "\t")
	mtime, name, ok := strings.Cut(rest, "\t")
	if !ok {
		return e, errors.New("fields are missing")
	}
	bits, err := strconv.ParseUint(mode, 16, 32)
	if err != nil {
		return e, err
	}
	kinds := map[uint64]entryKind{0x8000: isFile, 0x4000: isFolder, 0xa000: isLink}
	e = syncEntry{name: name, kind: kinds[bits&0xf000], mode: fs.FileMode(bits) & fs.ModePerm}
	return e, e.setSizeAndTime(size, mtime)
}

// setSizeAndTime takes a time as seconds and, behind a point, digits of a second.
func (e *syncEntry) setSizeAndTime(size, mtime string) (err error) {
	if e.size, err = strconv.ParseInt(size, 10, 64); err != nil {
		return err
	}
	whole, digits, _ := strings.Cut(mtime, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return err
	}
	nanos, err := strconv.ParseInt((digits + "000000000")[:9], 10, 64)
	e.mtime = time.Unix(seconds, nanos)
	return err
}

// checkTree refuses a list that is none of a tree below a folder, each folder
// before what lies in it, as find lists it.
func checkTree(entries []syncEntry) error {
	seen := make(map[string]entryKind, len(entries)+1)
	seen[""] = isFolder
	for i := range entries {
		e := &entries[i]
		if !isName(e.name) {
			return fmt.Errorf("%q is no name below it", e.name)
		}
		if seen[e.parent()] != isFolder {
			return fmt.Errorf("%q lies in no folder", e.name)
		}
		if e.size < 0 {
			return fmt.Errorf("%q has %d bytes", e.name, e.size)
		}
		if seen[e.name] = e.kind; len(seen) != i+2 {
			return fmt.Errorf("%q is there twice", e.name)
		}
	}
	return nil
}

// isName reports whether a name leads to something below a folder, and by one way only.
func isName(name string) bool {
	for element := range strings.SplitSeq(name, "/") {
		if element == "" || element == "." || element == ".." {
			return false
		}
	}
	return strings.IndexByte(name, 0) < 0
}

// mark marks what is excluded, and all that lies below.
func mark(entries []syncEntry, skip *ignore.Git) {
	out := map[string]bool{}
	for i := range entries {
		e := &entries[i]
		e.out = out[e.parent()] || skip.Match(e.name, e.kind == isFolder)
		if e.out && e.kind == isFolder {
			out[e.name] = true
		}
	}
}
