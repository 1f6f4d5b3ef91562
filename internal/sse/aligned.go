package sse

import (
	"bytes"
	"io"
)

const (
	startSize  = 64 << 10
	blockSize  = 16 << 10 // more would gain nothing, and is searched in vain when a large frame follows
	keptSize   = 4 << 20  // kept for the next event, in a row of large ones
	emptyReads = 100      // in a row, before a source counts as broken
)

var (
	bom   = []byte("\xEF\xBB\xBF")
	blank = []byte("\n\n") // closes a frame
)

// alignedReader hands out one block of whole frames per Read, so that the frame
// splitter behind it never searches the same bytes twice and never sees half a frame.
// Line ends become LF on the way in, blank lines between blocks are dropped.
//
// A block holds every complete frame that is there already, and looks to the
// splitter like one: its bytes are masked so that no line ends inside it. One
// frame alone, and bytes that cannot be masked, go through as they are.
type alignedReader struct {
	src  io.Reader
	buf  []byte // [start:end] is read and not yet handed out
	err  error  // how the source ended
	max  int
	rest int // bytes of a frame that did not fit into the last Read
	last int // bytes of the last frame

	start, end, searched   int
	begun, afterCR, masked bool // masked: what the last Read gave
}

func newAlignedReader(src io.Reader, limit int) *alignedReader {
	return &alignedReader{src: src, buf: make([]byte, min(startSize, limit)), max: limit}
}

// Read returns the next block with the blank line that closes it, or the next part of a large frame.
func (a *alignedReader) Read(p []byte) (int, error) {
	a.masked = false
	if a.rest == 0 {
		if err := a.await(); err != nil {
			return 0, err
		}
		a.last = a.rest
		limit := min(len(p), blockSize)
		a.masked = a.rest < limit && a.extend(limit)
	}
	n := copy(p, a.buf[a.start:a.start+a.rest])
	if a.masked {
		mask(p[:n-len(blank)])
	}
	a.start += n
	a.rest -= n
	return n, nil
}

// await reads until a frame is complete.
func (a *alignedReader) await() error {
	for {
		if a.rest = a.frame(); a.rest > 0 {
			return nil
		}
		if a.err != nil {
			return a.err
		}
		a.fill()
	}
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
	i := bytes.Index(a.buf[from:a.end], blank)
	a.searched = a.end
	if i < 0 {
		return 0
	}
	a.searched = from + i + len(blank)
	return a.searched - a.start
}

// extend adds the whole frames that follow and fit. It is false when there
// are none, or the bytes cannot be masked.
func (a *alignedReader) extend(limit int) bool {
	from := a.start + a.rest
	i := bytes.LastIndex(a.buf[from:min(a.start+limit, a.end)], blank)
	if i < 0 || !maskable(a.buf[a.start:from+i]) {
		return false
	}
	a.rest += i + len(blank)
	a.searched = a.start + a.rest
	return true
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
	case have < startSize/2 && len(a.buf) > startSize && (a.last < startSize || len(a.buf) > keptSize):
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
