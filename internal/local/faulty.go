package local

import (
	"bytes"
	"net/http"
)

// lostAnswer is where an answer goes that nobody will get.
type lostAnswer struct{ header http.Header }

func (l *lostAnswer) Header() http.Header         { return l.header }
func (l *lostAnswer) WriteHeader(int)             {}
func (l *lostAnswer) Write(p []byte) (int, error) { return len(p), nil }
func (l *lostAnswer) Flush()                      {}

// cutAnswer lets some bytes of a body through; then the connection breaks, or
// stays open without another byte.
type cutAnswer struct {
	answer *answer
	left   int64
	stall  bool
	gone   <-chan struct{} // the client, or this server
}

func (c *cutAnswer) Header() http.Header    { return c.answer.Header() }
func (c *cutAnswer) WriteHeader(status int) { c.answer.WriteHeader(status) }
func (c *cutAnswer) Flush()                 { _ = http.NewResponseController(c.answer).Flush() }

func (c *cutAnswer) Write(p []byte) (int, error) {
	if int64(len(p)) <= c.left {
		c.left -= int64(len(p))
		return c.answer.Write(p)
	}
	_, _ = c.answer.Write(p[:c.left])
	c.Flush()
	if c.stall {
		<-c.gone
	}
	panic(http.ErrAbortHandler)
}

// donelessAnswer lets all events of a stream through but the last.
type donelessAnswer struct {
	answer *answer
	held   []byte // of an event that is not whole yet
}

func (d *donelessAnswer) Header() http.Header    { return d.answer.Header() }
func (d *donelessAnswer) WriteHeader(status int) { d.answer.WriteHeader(status) }
func (d *donelessAnswer) Flush()                 { _ = http.NewResponseController(d.answer).Flush() }

func (d *donelessAnswer) Write(p []byte) (int, error) {
	d.held = append(d.held, p...)
	for {
		end := bytes.Index(d.held, []byte("\n\n"))
		if end < 0 {
			return len(p), nil
		}
		event := d.held[:end+2]
		if !bytes.HasPrefix(event, []byte("event: done\n")) {
			if _, err := d.answer.Write(event); err != nil {
				return 0, err
			}
		}
		d.held = d.held[end+2:]
	}
}
