package sandflare

import (
	"io"
	"strconv"
	"strings"
)

// maxLive bounds the lines that arrive as they come: services split long ones.
const maxLive = 64 << 10

// exactWriter makes bytes of lines.
type exactWriter struct {
	to      io.Writer // nil: dropped
	mark    string
	keep    bool // the end, in tail
	tail    []byte
	begun   bool  // the first mark came
	held    bool  // what comes is no text, or too long to come unharmed: the rest is in the file
	written int64 // bytes so far
	size    int64 // bytes in all, once the mark came
	marked  bool
}

func (w *exactWriter) line(text string) error {
	if !w.begun { // kept, for it may tell why nothing begins
		w.remember([]byte(text + "\n"))
		if w.begun = strings.HasSuffix(text, w.mark); w.begun {
			w.tail = nil
		}
		return nil
	}
	text, size, last := strings.Cut(text, w.mark+" ")
	if last {
		n, err := strconv.ParseInt(strings.TrimSpace(size), 10, 64)
		w.size, w.marked = n, err == nil
	} else {
		text += "\n"
	}
	if w.held = w.held || len(text) > maxLive || strings.ContainsRune(text, '\uFFFD'); w.held {
		return nil
	}
	n, err := w.Write([]byte(text))
	if err == nil && n < len(text) {
		err = io.ErrShortWrite
	}
	return err
}

// Write hands bytes on and remembers the last of them.
func (w *exactWriter) Write(p []byte) (int, error) {
	w.written += int64(len(p))
	if w.keep {
		w.remember(p)
	}
	if w.to == nil {
		return len(p), nil
	}
	return w.to.Write(p)
}

func (w *exactWriter) remember(p []byte) {
	const most = 64 << 10
	w.tail = append(w.tail, p[max(0, len(p)-most):]...)
	if len(w.tail) > 2*most {
		w.tail = append(w.tail[:0], w.tail[len(w.tail)-most:]...)
	}
}

// whole reports whether all bytes were written, or nobody wants them.
func (w *exactWriter) whole() bool {
	return w.to == nil && !w.keep || w.marked && !w.held && w.written == w.size
}

// skipWriter leaves out the first bytes.
type skipWriter struct {
	to   io.Writer
	skip int64
}

func (w *skipWriter) Write(p []byte) (int, error) {
	n := min(w.skip, int64(len(p)))
	w.skip -= n
	written, err := w.to.Write(p[n:])
	return written + int(n), err
}
