package sandflare

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// packer reads as a tar of entries.
type packer struct {
	run     *syncRun
	entries []syncEntry // still to come
	file    *os.File    // being packed; nil: none
	left    int64       // of it
	packed  int64       // bytes of content so far
	tar     *tar.Writer
	out     bytes.Buffer // packed and not yet read
	chunk   []byte
	ended   bool
}

const packAhead = 64 << 10

func newPacker(r *syncRun, entries []syncEntry) *packer {
	p := &packer{run: r, entries: entries, chunk: make([]byte, packAhead)}
	p.tar = tar.NewWriter(&p.out)
	return p
}

// Read packs more when everything was read.
func (p *packer) Read(b []byte) (int, error) {
	if p.out.Len() == 0 {
		for p.out.Len() < packAhead && !p.ended {
			if err := p.step(); err != nil {
				return 0, err
			}
		}
		if p.out.Len() == 0 {
			return 0, io.EOF
		}
	}
	return p.out.Read(b)
}

// Close gives back the file that was not packed to its end.
func (p *packer) Close() error {
	if p.file == nil {
		return nil
	}
	return p.file.Close()
}

func (p *packer) step() error {
	switch {
	case p.file != nil:
		return p.content()
	case len(p.entries) > 0:
		e := p.entries[0]
		p.entries = p.entries[1:]
		return p.begin(e)
	}
	p.ended = true
	return p.tar.Close()
}

// begin writes a header: a file's of what it is now, not when it was listed.
func (p *packer) begin(e syncEntry) error {
	if e.kind == isFile {
		file, err := p.run.root.OpenFile(e.name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // it may be a pipe by now
		if err != nil {
			return err
		}
		info, err := file.Stat()
		if err == nil && !info.Mode().IsRegular() {
			err = fmt.Errorf("%s is no regular file any more", e.name)
		}
		if err != nil {
			return errors.Join(err, file.Close())
		}
		e = entryFromInfo(e.name, info)
		p.file, p.left = file, e.size
	}
	if err := p.tar.WriteHeader(p.header(e)); err != nil {
		return fmt.Errorf("%s: %w", e.name, err)
	}
	return p.finish()
}

// header has times in nanoseconds for a tar that takes them. The other format
// is what others read, too: older ones of busybox know PAX only in part, and
// there a name that is not ASCII stands in the PAX header alone.
func (p *packer) header(e syncEntry) *tar.Header {
	h := &tar.Header{Name: e.name, Mode: int64(e.mode), ModTime: e.mtime, Format: tar.FormatPAX, Typeflag: tar.TypeReg}
	if !p.run.pax {
		h.Format, h.ModTime = tar.FormatGNU, time.Unix(e.mtime.Unix(), 0)
	}
	switch e.kind {
	case isFile:
		h.Size = e.size
	case isFolder:
		h.Typeflag, h.Name = tar.TypeDir, e.name+"/"
	case isLink:
		h.Typeflag, h.Linkname, h.Mode = tar.TypeSymlink, e.link, 0o777
	}
	return h
}

// content packs a piece of the file.
func (p *packer) content() error {
	n, err := p.file.Read(p.chunk[:min(p.left, packAhead)])
	p.left -= int64(n)
	p.packed += int64(n)
	if n > 0 {
		p.run.progress.add(int64(n))
	}
	if _, err := p.tar.Write(p.chunk[:n]); err != nil {
		return err
	}
	if err == io.EOF && p.left > 0 {
		return fmt.Errorf("%s became shorter while it was read: %w", p.file.Name(), io.ErrUnexpectedEOF)
	}
	if err != nil && err != io.EOF {
		return err
	}
	return p.finish()
}

// finish closes a file that was packed to its end.
func (p *packer) finish() error {
	if p.file == nil || p.left > 0 {
		return nil
	}
	file := p.file
	p.file = nil
	return file.Close()
}
