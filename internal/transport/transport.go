// Package transport sends the calls of the API: key and headers, URLs,
// retries by call class, deadlines, bounded bodies, error answers. It is the
// only importer of go-retryablehttp, and it knows nothing of sandboxes.
package transport

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/sandflare/sandflare-go/internal/wire"
)

const (
	defaultTimeout = 30 * time.Second
	defaultLimit   = 32 << 20
)

// Request is one call.
type Request struct {
	Route    wire.Route
	Segments []string // fill the route's placeholders; already checked
	Query    string   // encoded
	Body     *Body    // nil: none
	Accept   string
	Timeout  time.Duration // of one attempt, the answer's body included; 0 = 30 s; negative = none
	Stall    time.Duration // longest wait for the network without a byte moving; 0 = none
	Limit    int64         // bytes of the answer that Do accepts; 0 = 32 MiB
	Secrets  []string      // texts of the request that no error may repeat, whatever the service says
}

// Body is what a Request carries. Open is called at most once per attempt, when
// the first byte is about to be sent, and returns a fresh reader, which is not closed.
// The reader is not in use any more when a call returns, unless it can be read
// only once and is blocked at that moment.
type Body struct {
	ContentType string
	Size        int64 // -1 when unknown
	Replayable  bool  // Open may be called again for a retry
	Open        func() (io.Reader, error)
}

// Response is a whole answer with a 2xx status, or the 404 of a delete that an
// earlier attempt of the same call had already done.
type Response struct {
	Status   int
	Header   http.Header
	Body     []byte // never nil
	Attempts int
}

// Client sends requests to one base URL with one key. It is safe for concurrent use.
type Client struct {
	config  Config
	base    *http.Request // of which each request is a copy
	http    http.Client   // its Transport is the real one; each call copies the rest
	headers http.Header   // of every request; shared, so never changed
	budget  *budget
}

// Do sends a request and reads the whole answer inside the attempt, so that a
// cut body is retried like a lost one. Every error is an [*Error].
func (c *Client) Do(ctx context.Context, req Request) (*Response, error) {
	call := &call{client: c, ctx: ctx, req: req, whole: true}
	resp, err := call.send()
	if err != nil {
		return nil, err
	}
	return &Response{Status: resp.StatusCode, Header: resp.Header, Body: call.answer, Attempts: call.attempts}, nil
}

// Open sends a request and returns a 2xx answer with its body still on the
// wire. The caller closes the body; Timeout and Stall stay in force until then.
// Every error before the answer is an [*Error]; errors of the body are its causes alone.
func (c *Client) Open(ctx context.Context, req Request) (*http.Response, error) {
	call := &call{client: c, ctx: ctx, req: req}
	return call.send()
}

// CloseIdleConnections closes connections that no call is using.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }

var errNilContext = errors.New("the context is nil")
