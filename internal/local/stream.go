package local

import (
	"bufio"
	"encoding/json"
	"net/http"
)

// eventStream writes server-sent events: one data line each, LF line ends.
type eventStream struct {
	buf  *bufio.Writer
	json *json.Encoder
	rc   *http.ResponseController
}

// newEventStream sends the headers at once: the stream has begun.
func newEventStream(w http.ResponseWriter) (*eventStream, error) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-cache")
	w.WriteHeader(http.StatusOK)
	buf := bufio.NewWriterSize(w, 32<<10)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	s := &eventStream{buf: buf, json: enc, rc: http.NewResponseController(w)}
	return s, s.flush()
}

// send queues an event; flush puts it on the wire.
func (s *eventStream) send(event string, data any) error {
	s.buf.WriteString("event: ")
	s.buf.WriteString(event)
	s.buf.WriteString("\ndata: ")
	if err := s.json.Encode(data); err != nil { // ends the line itself
		return err
	}
	return s.buf.WriteByte('\n')
}

func (s *eventStream) flush() error {
	if err := s.buf.Flush(); err != nil {
		return err
	}
	return s.rc.Flush()
}

// line is the data of stdout, stderr and log events.
type line struct {
	Line string `json:"line"`
}

// maxEncoded bounds an event's data: clients have a limit of 16 MiB.
const maxEncoded = 15 << 20

// sendLine sends a line, in parts when its escapes make it too long. Most lines
// are plain, and need no encoder.
func (s *eventStream) sendLine(event, text string) error {
	if len(text) <= maxEncoded && plain(text) {
		return s.sendPlain(event, text)
	}
	if len(text) > maxEncoded/6 && encodedLen(text) > maxEncoded {
		half := runeStart([]byte(text), len(text)/2)
		if err := s.sendLine(event, text[:half]); err != nil {
			return err
		}
		return s.sendLine(event, text[half:])
	}
	return s.send(event, line{text})
}

func (s *eventStream) sendPlain(event, text string) error {
	for _, part := range [...]string{"event: ", event, "\ndata: {\"line\":\"", text} {
		s.buf.WriteString(part)
	}
	_, err := s.buf.WriteString("\"}\n\n")
	return err
}

// plain tells whether JSON writes a text as it is.
func plain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// encodedLen is at least the length of a text in JSON: control bytes and what
// is no UTF-8 take six bytes, quotes two.
func encodedLen(text string) (n int) {
	for _, r := range text {
		switch {
		case r < ' ' || r == '\uFFFD' || r == '\u2028' || r == '\u2029':
			n += 6
		case r == '"' || r == '\\':
			n += 2
		default:
			n += len(string(r))
		}
	}
	return n
}
