package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/sandflare/sandflare-go/internal/wire"
)

// expectAbove is the size from which a body waits for the server's consent.
const expectAbove = 1 << 20

// emptyBody is a body without a byte that net/http cannot rewind. A GET without
// any body is sent again by net/http when its connection dies: a command runs twice.
type emptyBody struct{}

func (emptyBody) Read([]byte) (int, error) { return 0, io.EOF }
func (emptyBody) Close() error             { return nil }

func (a *attempt) setBody(out *http.Request) {
	req := a.call.req
	out.GetBody = nil
	switch {
	case req.Body != nil && req.Body.Size != 0:
		a.body = newSendBody(a)
		out.Body, out.ContentLength = a.body, req.Body.Size
	case req.Route.Class == wire.Effect && out.Method != http.MethodPost:
		out.Body = emptyBody{}
	case out.Method == http.MethodPost:
		out.Body = http.NoBody
	}
}

// openEmpty asks a body without bytes whether that is what it was meant to be:
// no attempt will read it, and its error must not become an empty request.
func (b *Body) openEmpty() error {
	if b == nil || b.Size != 0 || b.Open == nil {
		return nil
	}
	_, err := b.Open()
	return err
}

// sendBody reads the caller's body for net/http and keeps the caller's errors,
// which net/http may cover with those of the connection.
type sendBody struct {
	attempt *attempt
	ahead   *ahead // in between when the caller's reader may block for ever
	release func() bool

	reading sync.Mutex // held while the caller's reader is in use
	source  io.Reader
	stopped bool
	sent    atomic.Int64
	ended   atomic.Bool // the source has no more

	mu  sync.Mutex
	err error
}

func newSendBody(a *attempt) *sendBody {
	b := &sendBody{attempt: a}
	if !a.call.req.Body.Replayable {
		b.ahead = newAhead()
		b.release = context.AfterFunc(a.ctx, func() { b.ahead.Close() })
	}
	return b
}

// Read gives net/http the next bytes.
func (b *sendBody) Read(p []byte) (int, error) {
	b.reading.Lock()
	defer b.reading.Unlock()
	if b.stopped {
		return 0, io.ErrClosedPipe
	}
	b.attempt.watch.caller()
	defer b.attempt.watch.network()
	if b.source == nil {
		if err := b.open(); err != nil {
			return 0, b.fail(err)
		}
	}
	n, err := b.source.Read(p)
	b.sent.Add(int64(n))
	b.ended.Store(err == io.EOF)
	return n, b.check(err)
}

func (b *sendBody) open() (err error) {
	b.attempt.call.opened.Store(true)
	if b.ahead == nil {
		b.source, err = b.attempt.call.req.Body.Open()
		return err
	}
	b.source = b.ahead
	go b.ahead.pump(b.attempt.call.req.Body.Open)
	return nil
}

// callerError tells the caller's errors from those of reading ahead.
type callerError struct{ error }

// check keeps the declared size true.
func (b *sendBody) check(err error) error {
	size, sent := b.attempt.call.req.Body.Size, b.sent.Load()
	var callers callerError
	switch {
	case errors.As(err, &callers):
		return b.fail(callers.error)
	case size >= 0 && sent > size:
		return b.fail(fmt.Errorf("it is longer than the %d bytes announced", size))
	case err == io.EOF && sent < size:
		return b.fail(fmt.Errorf("it ended after %d of %d bytes: %w", sent, size, io.ErrUnexpectedEOF))
	case err != nil && err != io.EOF && b.ahead == nil:
		return b.fail(err)
	}
	return err
}

func (b *sendBody) fail(err error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.err = fmt.Errorf("reading the request's body: %w", err)
	}
	return b.err
}

// unsent is true as long as the end of the body was not taken.
func (b *sendBody) unsent() bool {
	return b != nil && !b.ended.Load() && b.sent.Load() != b.attempt.call.req.Body.Size
}

// failure is the caller's error, if there was one.
func (b *sendBody) failure() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// Close does nothing: the attempt stops the body at its own end.
func (b *sendBody) Close() error { return nil }

// stop ends the use of the caller's reader.
func (b *sendBody) stop() {
	if b.ahead != nil {
		b.release()
		b.ahead.Close()
	}
	b.reading.Lock()
	defer b.reading.Unlock()
	b.stopped = true
	if source, ok := b.source.(io.Closer); ok {
		source.Close() // what Open made, such as a file half sent
	}
}
