package transport

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/sandflare/sandflare-go/internal/wire"
)

// A call is one request on its way through its attempts. go-retryablehttp runs
// the loop; what it needs to know is asked of the call, and what an attempt
// learned is kept here, because the loop's own arguments say less.
type call struct {
	client *Client
	ctx    context.Context
	req    Request
	whole  bool // read the answer inside the attempt

	attempts   int
	opened     atomic.Bool // the body's reader was taken
	arrived    bool        // an earlier attempt may have reached the server
	last       outcome
	lastStatus int // 0: no answer
	began      time.Time
	wait       time.Duration // before the next attempt
	waiting    bool
	note       string // why there is no next attempt
	answer     []byte

	http http.Client // what loop sends with
	loop retryablehttp.Client
}

// An outcome is what one attempt came to; the zero value is a success.
type outcome struct {
	status *StatusError // an answer that is not a success
	err    error        // no answer, or not all of it
	sent   bool         // the request may have reached the server
	final  bool         // another attempt would end the same way
}

func (o outcome) failed() bool { return o.status != nil || o.err != nil }

// send runs the attempts of a call.
func (c *call) send() (*http.Response, error) {
	if c.ctx == nil {
		return nil, &Error{Err: errNilContext}
	}
	if c.ctx.Err() != nil {
		return nil, &Error{Err: contextError(c.ctx)}
	}
	if err := c.req.Body.openEmpty(); err != nil {
		return nil, &Error{Err: err}
	}
	resp, err := c.retrier().Do(&retryablehttp.Request{Request: c.newRequest()})
	if err != nil && !c.last.failed() { // refused by the loop itself
		c.last = outcome{err: c.explain(err), final: true}
	}
	if c.last.failed() && !c.alreadyGone() {
		return nil, c.failure()
	}
	c.client.budget.succeed(c.attempts - 1)
	return resp, nil
}

// newRequest leaves the body out: only attempts see it, so that nothing but
// the retry policy can send it again.
func (c *call) newRequest() *http.Request {
	req := c.client.base.WithContext(c.ctx)
	req.Method, req.URL, req.Header = c.req.Route.Method, c.client.target(c.req), http.Header{}
	return req
}

// retrier is made anew for each call, within it: its functions know the call.
// The call as a transport can do nothing but RoundTrip: go-retryablehttp would
// close all idle connections after every failed call.
func (c *call) retrier() *retryablehttp.Client {
	c.http = c.client.http
	c.http.Transport = c
	c.loop.HTTPClient = &c.http
	c.loop.RetryMax = c.client.config.MaxRetries
	c.loop.CheckRetry = c.checkRetry
	c.loop.Backoff = c.backoff
	c.loop.ErrorHandler = retryablehttp.PassthroughErrorHandler
	return &c.loop
}

func (c *call) backoff(_, _ time.Duration, _ int, _ *http.Response) time.Duration {
	c.waiting = true
	return c.wait
}

// alreadyGone is true for the 404 of a delete whose earlier attempt may have done the work.
func (c *call) alreadyGone() bool {
	return c.last.status != nil && c.last.status.Status == http.StatusNotFound && c.arrived &&
		c.req.Route.Method == http.MethodDelete && c.req.Route.Class == wire.Converge
}
