// Package sse reads server-sent events, as the WHATWG grammar has them. It is
// the only importer of r3labs/sse.
package sse

import (
	"bytes"
	"errors"
	"io"

	r3labs "github.com/r3labs/sse/v2"
)

// MaxFrame is the size from which an event is refused.
const MaxFrame = 16 << 20

// ErrTooLarge ends a stream with an event above [MaxFrame].
var ErrTooLarge = errors.New("an event of the stream is larger than 16 MiB")

// Frame is one event.
type Frame struct {
	Event string // empty when the event has no name
	Data  []byte // its data lines joined by LF; valid until the next call of Next
}

// Reader reads events from a stream. It holds one event at a time and starts no goroutine.
type Reader struct {
	input  *alignedReader
	frames *r3labs.EventStreamReader
	block  []byte // frames that were read and not yet returned
	joined []byte
}

// NewReader reads events from r. An event is returned as soon as the blank
// line that closes it was read.
func NewReader(r io.Reader) *Reader {
	input := newAlignedReader(r, MaxFrame)
	return &Reader{input: input, frames: r3labs.NewEventStreamReader(input, MaxFrame)}
}

// Next returns the next event. Comments and frames without name and data are
// skipped; a named event without data is returned, as the end of a stream must not go unseen.
//
// The error is io.EOF when the input ended between two events,
// io.ErrUnexpectedEOF when it ended within one (which is dropped), [ErrTooLarge],
// or the error of the input.
func (r *Reader) Next() (Frame, error) {
	for {
		if len(r.block) == 0 {
			if err := r.read(); err != nil {
				return Frame{}, err
			}
		}
		if frame, ok := r.usual(); ok {
			return frame, nil
		}
		if frame, ok := r.parse(r.cut()); ok {
			return frame, nil
		}
	}
}

// read takes in the next block.
func (r *Reader) read() (err error) {
	if r.block, err = r.frames.ReadEvent(); err != nil {
		r.block = nil
		return r.end(err)
	}
	if r.input.masked {
		mask(r.block)
	}
	return nil
}

// cut takes the next frame off the block.
func (r *Reader) cut() (frame []byte) {
	frame, r.block, _ = bytes.Cut(r.block, blank)
	return frame
}

// usual reads the frames that nearly all are: a line of output and nothing
// else. It is false for all others, and then has taken nothing.
func (r *Reader) usual() (frame Frame, ok bool) {
	const event, stdout, stderr, line = "event: ", "stdout", "stderr", "\ndata: "
	const name, head = len(event + stdout), len(event + stdout + line)
	if len(r.block) < head || string(r.block[:len(event)]) != event || string(r.block[name:head]) != line {
		return frame, false
	}
	switch string(r.block[len(event):name]) {
	case stdout:
		frame.Event = stdout
	case stderr:
		frame.Event = stderr
	default:
		return frame, false
	}
	data := r.block[head:]
	end := bytes.IndexByte(data, '\n')
	switch {
	case end < 0:
		end, r.block = len(data), nil
	case end+1 < len(data) && data[end+1] == '\n':
		r.block = data[end+len(blank):]
	default:
		return frame, false
	}
	frame.Data = data[:end]
	return frame, true
}

// Truncated is true when the input ended within an event.
func (r *Reader) Truncated() bool { return r.input.err != nil && r.input.start < r.input.end }

// end prefers the input's error: the splitter hides some.
func (r *Reader) end(err error) error {
	if r.input.err != nil {
		err = r.input.err
	}
	if err == io.EOF && r.Truncated() {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (r *Reader) parse(raw []byte) (Frame, bool) {
	var frame Frame
	lines := 0
	for len(raw) > 0 {
		var line []byte
		line, raw, _ = bytes.Cut(raw, []byte{'\n'})
		name, value, _ := bytes.Cut(line, []byte{':'})
		value = bytes.TrimPrefix(value, []byte{' '})
		switch string(name) {
		case "event":
			frame.Event = intern(value)
		case "data":
			frame.Data = r.join(frame.Data, value, lines)
			lines++
		}
	}
	return frame, lines > 0 || frame.Event != ""
}

// join appends a data line; one line alone is not copied.
func (r *Reader) join(data, line []byte, lines int) []byte {
	if lines == 0 {
		return line
	}
	if lines == 1 {
		data = append(r.joined[:0], data...)
	}
	data = append(append(data, '\n'), line...)
	r.joined = data
	return data
}

// intern spares an allocation for the names that every stream has.
func intern(name []byte) string {
	switch string(name) {
	case "stdout":
		return "stdout"
	case "stderr":
		return "stderr"
	case "done":
		return "done"
	}
	return string(name)
}
