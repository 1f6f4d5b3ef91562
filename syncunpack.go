package sandflare

import (
	"archive/tar"
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// unpacker takes files of tars, and only those that were asked for.
type unpacker struct {
	sync    *syncRun
	wanted  map[string]bool // and not here yet
	arrived map[string]bool
	chunk   []byte
}

func newUnpacker(r *syncRun, entries []syncEntry) *unpacker {
	u := &unpacker{sync: r, wanted: map[string]bool{}, arrived: map[string]bool{}, chunk: make([]byte, 64<<10)}
	for _, e := range entries {
		u.wanted[e.name] = true
	}
	return u
}

// run reads one tar after the other.
func (u *unpacker) run(src io.Reader) error {
	in := bufio.NewReaderSize(src, 64<<10)
	for {
		if more, err := skipZeros(in); err != nil || !more {
			return errors.Join(err, u.missing())
		}
		if err := u.archive(tar.NewReader(in)); err != nil {
			return err
		}
	}
}

// skipZeros passes the blocks that fill up a tar, and reports whether something follows.
func skipZeros(in *bufio.Reader) (more bool, err error) {
	var zero [512]byte
	for {
		block, err := in.Peek(len(zero))
		if err == io.EOF {
			return len(block) > 0, nil
		}
		if err != nil || string(block) != string(zero[:]) {
			return true, err
		}
		_, _ = in.Discard(len(zero)) // it is there
	}
}

func (u *unpacker) missing() error {
	for name := range u.wanted {
		return fmt.Errorf("%q did not come", name)
	}
	return nil
}

func (u *unpacker) archive(in *tar.Reader) error {
	for {
		header, err := in.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := u.entry(header, in); err != nil {
			return err
		}
	}
}

// entry takes one file. A second name of a file may come as a link to the first.
func (u *unpacker) entry(h *tar.Header, content io.Reader) error {
	name, first := strings.TrimPrefix(h.Name, "./"), strings.TrimPrefix(h.Linkname, "./")
	switch {
	case !u.wanted[name]:
		return fmt.Errorf("the sandbox sent %q, which was not asked for", h.Name)
	case h.Typeflag == tar.TypeLink && u.arrived[first]:
		file, err := u.sync.root.Open(first)
		if err != nil {
			return err
		}
		defer file.Close()
		content = file
	case h.Typeflag != tar.TypeReg:
		return fmt.Errorf("the sandbox sent %q as something else than a file", h.Name)
	}
	delete(u.wanted, name)
	u.arrived[name] = true
	return u.sync.replace(name, func(temp string) error { return u.write(temp, h, content) })
}

func (u *unpacker) write(temp string, h *tar.Header, content io.Reader) error {
	file, err := u.sync.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.CopyBuffer(struct{ io.Writer }{file}, io.TeeReader(content, u.sync.progress), u.chunk)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	return u.sync.dress(temp, fs.FileMode(h.Mode), h.ModTime)
}
