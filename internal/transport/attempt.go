package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

const (
	acceptFile     = "application/octet-stream" // of calls that are answered with a file
	errorBodyLimit = 64 << 10
	errorBodyTime  = 10 * time.Second // an answer is known: do not wait long for its text
	freshConns     = 4                // that net/http may use up in one attempt
)

var (
	errNothing   = errors.New("the HTTP client's transport gave neither an answer nor an error")
	errNoAnswers = fmt.Errorf("%d new connections in a row gave no answer", freshConns+1)
)

// An attempt is one sending of a call.
type attempt struct {
	call   *call
	ctx    context.Context
	cancel context.CancelCauseFunc
	watch  watch
	trace  httptrace.ClientTrace
	body   *sendBody // nil: nothing to read from the caller
	answer answerBody

	asked atomic.Bool // a connection was asked for
	got   atomic.Bool // and one was had: from here on bytes may be on the wire
	fresh atomic.Int32
}

// RoundTrip makes one attempt and keeps what came of it in c.last.
func (c *call) RoundTrip(req *http.Request) (*http.Response, error) {
	c.attempts++
	c.waiting, c.lastStatus = false, 0
	a := c.newAttempt()
	resp, err := c.client.http.Transport.RoundTrip(a.request(req))
	if err == nil && resp == nil {
		err = errNothing
	}
	if err != nil {
		return nil, a.fail(err)
	}
	if resp.Body == nil { // as mocks answer
		resp.Body = http.NoBody
	}
	a.answer = answerBody{ReadCloser: resp.Body, attempt: a}
	resp.Body = &a.answer
	switch {
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return a.refused(resp), nil
	case a.asked.Load() && a.body.unsent(): // a mock does not read what it is sent
		return nil, a.tooEarly(resp)
	case c.whole:
		return a.readAll(resp)
	}
	c.last = outcome{}
	c.lastStatus = resp.StatusCode
	return resp, nil
}

func (c *call) newAttempt() *attempt {
	a := &attempt{call: c}
	c.began = time.Now()
	a.ctx, a.cancel = context.WithCancelCause(c.ctx)
	a.watch.start(a)
	return a
}

// end gives everything back that the attempt holds.
func (a *attempt) end() {
	if a.body != nil {
		a.body.stop()
	}
	a.watch.stop()
	a.cancel(nil)
}

// request is what goes to the real transport.
func (a *attempt) request(req *http.Request) *http.Request {
	a.trace.GetConn = func(string) { a.asked.Store(true) }
	a.trace.GotConn = a.gotConn
	out := req.WithContext(httptrace.WithClientTrace(a.ctx, &a.trace))
	out.Header = maps.Clone(a.call.client.headers)
	maps.Copy(out.Header, req.Header) // a cookie
	a.setBody(out)
	a.setHeaders(out.Header)
	return out
}

// gotConn ends an attempt that net/http would go on with for ever: it sends a
// read again, at once, on each connection that HTTP/2 shuts down in good order.
func (a *attempt) gotConn(info httptrace.GotConnInfo) {
	a.got.Store(true)
	if !info.Reused && a.fresh.Add(1) > freshConns {
		a.cancel(errNoAnswers)
	}
}

// setHeaders adds what only this request has.
func (a *attempt) setHeaders(h http.Header) {
	req := a.call.req
	if req.Accept != "" {
		h.Set("Accept", req.Accept)
	}
	if !a.call.whole || req.Accept == acceptFile {
		h.Set("Accept-Encoding", "identity") // compression would hide the length and hold bytes back
	}
	if req.Body == nil {
		return
	}
	if req.Body.ContentType != "" {
		h.Set("Content-Type", req.Body.ContentType)
	}
	if req.Body.Size < 0 || req.Body.Size > expectAbove {
		h.Set("Expect", "100-continue") // else a refusal is lost while bytes are still being sent
	}
}

// sent is false when provably no byte of the request left. A transport that
// reports no connections, as mocks do, proves nothing.
func (a *attempt) sent() bool { return !a.asked.Load() || a.got.Load() }

// fail ends an attempt that has no answer.
func (a *attempt) fail(err error) error {
	err, final := a.cause(err)
	a.end()
	a.call.last = outcome{err: err, final: final, sent: a.sent() && !a.bodyFailed()}
	return err
}

// bodyFailed is true when the caller's reader ended the request: no server
// works on a request whose end it has not seen.
func (a *attempt) bodyFailed() bool { return a.body != nil && a.body.failure() != nil }

// cause finds why an attempt ended: the caller's own doing first, then our
// limits, then the network. Another attempt would not help when it is final.
func (a *attempt) cause(err error) (cause error, final bool) {
	switch {
	case a.bodyFailed():
		return a.body.failure(), true
	case a.call.ctx.Err() != nil:
		return contextError(a.call.ctx), true
	case a.ctx.Err() != nil:
		return context.Cause(a.ctx), false
	}
	return a.call.explain(err), permanent(err)
}

// refused ends an attempt that was answered, but not with a success.
func (a *attempt) refused(resp *http.Response) *http.Response {
	defer a.end()
	status := &StatusError{Status: resp.StatusCode, Header: a.call.client.RedactHeader(a.call.req, resp.Header)}
	status.RetryAfter, status.comeBack = retryAfter(resp.Header, time.Now())
	if resp.StatusCode >= 200 { // what follows a 101 is no body
		status.Body = []byte(a.call.redact(string(a.errorBody(resp))))
	}
	resp.Body.Close()
	a.call.last = outcome{status: status, sent: true}
	a.call.lastStatus = resp.StatusCode
	resp.Body = http.NoBody
	return resp
}

// tooEarly ends an attempt whose success came before the end of the request: it cannot be one.
func (a *attempt) tooEarly(resp *http.Response) error {
	err := fmt.Errorf("the service answered %d without waiting for the end of the request", resp.StatusCode)
	resp.Body.Close()
	a.call.last = outcome{err: err, sent: true}
	a.call.lastStatus = resp.StatusCode
	return err
}

// errorBody reads a bounded part; when there is more, closing drops the connection.
func (a *attempt) errorBody(resp *http.Response) []byte {
	slow := time.AfterFunc(errorBodyTime, func() { a.cancel(context.DeadlineExceeded) })
	defer slow.Stop()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, errorBodyLimit))
	return body
}
