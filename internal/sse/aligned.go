package sse

import (
	"bytes"
	"io"
)

const (
	startSize  = 32 << 10
	emptyReads = 100 // in a row, before a source counts as broken
)

var bom = []byte("\xEF\xBB\xBF")

// alignedReader hands out one whole frame per Read, so that the frame splitter
// behind it never searches the same bytes twice and never sees half a frame.
// Line ends become LF on the way in, blank lines between frames are dropped.
type alignedReader struct {
	src  io.Reader
	buf  []byte // [start:end] is read and not yet handed out
	err  error  // how the source ended
	max  int
	rest int // bytes of a frame that did not fit into the last Read

	start, end, searched int
	begun, afterCR       bool
}

func newAlignedReader(src io.Reader, limit int) *alignedReader {
	return &alignedReader{src: src, buf: make([]byte, min(startSize, limit)), max: limit}
}

// Read returns the next frame with the blank line that closes it, or its next part.
func (a *alignedReader) Read(p []byte) (int, error) {
	for a.rest == 0 {
		if a.rest = a.frame(); a.rest > 0 {
			break
		}
		if a.err != nil {
			return 0, a.err
		}
		a.fill()
	}
	n := copy(p, a.buf[a.start:a.start+a.rest])
	a.start += n
	a.rest -= n
	return n, nil
}

// frame is the length of the complete frame at start; 0 when there is none yet.
func (a *alignedReader) frame() int {
	if !a.begun && !a.skipBOM() {
		return 0
	}
	for a.start < a.end && a.buf[a.start] == '\n' {
		a.start++
	}
	from := max(a.start, a.searched-1)
	i := bytes.Index(a.buf[from:a.end], []byte("\n\n"))
	a.searched = a.end
	if i < 0 {
		return 0
	}
	a.searched = from + i + 2
	return a.searched - a.start
}

// skipBOM is false as long as the first bytes could still become a mark.
func (a *alignedReader) skipBOM() bool {
	head := a.buf[a.start:a.end]
	if len(head) < len(bom) && bytes.HasPrefix(bom, head) {
		return false
	}
	if bytes.HasPrefix(head, bom) {
		a.start += len(bom)
	}
	a.begun = true
	return true
}

// fill reads once from the source.
func (a *alignedReader) fill() {
	a.makeRoom()
	if a.end == len(a.buf) {
		a.err = ErrTooLarge
		return
	}
	for range emptyReads {
		n, err := a.src.Read(a.buf[a.end:])
		a.end += a.normalise(a.buf[a.end : a.end+n])
		a.err = err
		if n > 0 || err != nil {
			return
		}
	}
	a.err = io.ErrNoProgress
}

// makeRoom moves what is left to the front, and grows for a large frame only.
func (a *alignedReader) makeRoom() {
	have := a.end - a.start
	switch {
	case have == len(a.buf) && have < a.max:
		a.moveTo(make([]byte, min(2*have, a.max)))
	case have < startSize/2 && len(a.buf) > startSize:
		a.moveTo(make([]byte, startSize))
	case a.end == len(a.buf) || have == 0:
		a.moveTo(a.buf)
	}
}

func (a *alignedReader) moveTo(buf []byte) {
	copy(buf, a.buf[a.start:a.end])
	a.searched = max(a.searched-a.start, 0)
	a.buf, a.start, a.end = buf, 0, a.end-a.start
}

// normalise turns CRLF and lone CR into LF, in place, and returns the new
// length. A CR is a line end at once: waiting for its LF would delay the frame.
func (a *alignedReader) normalise(p []byte) int {
	if !a.afterCR && bytes.IndexByte(p, '\r') < 0 {
		return len(p)
	}
	n := 0
	for _, c := range p {
		skip := c == '\n' && a.afterCR
		a.afterCR = c == '\r'
		if skip {
			continue
		}
		if a.afterCR {
			c = '\n'
		}
		p[n] = c
		n++
	}
	return n
}
