package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sandflare/sandflare-go/internal/wire"
)

// Error is a call that did not succeed.
type Error struct {
	Attempts       int
	OutcomeUnknown bool   // an effect that was sent: it may have run
	Hint           string // why it was not sent again, or what to do about it; may be empty
	Err            error  // *StatusError, or why there is no whole answer
}

// Error gives the cause, and how many attempts ended in it.
func (e *Error) Error() string {
	text := e.Err.Error()
	if e.Attempts > 1 {
		text += fmt.Sprintf(" (after %d attempts)", e.Attempts)
	}
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// StatusError is an answer other than 2xx.
type StatusError struct {
	Status     int
	Header     http.Header
	Body       []byte // first 64 KiB
	RetryAfter time.Duration

	comeBack bool // there was a usable Retry-After
}

// Error gives the status and what the service says about it.
func (e *StatusError) Error() string {
	text := strings.TrimSpace(fmt.Sprintf("status %d %s", e.Status, http.StatusText(e.Status)))
	if said, _ := wire.ErrorText(e.Body); said != "" {
		text += ": " + said
	}
	if to := e.Redirect(); to != "" {
		text += ": redirect to " + to + " not followed"
	}
	return text
}

// Redirect returns the origin that a redirect points to. Its path and query
// may hold a command, so they are left out.
func (e *StatusError) Redirect() string {
	if e.Status < 300 || e.Status > 399 || e.Header.Get("Location") == "" {
		return ""
	}
	u, err := url.Parse(e.Header.Get("Location"))
	switch {
	case err != nil:
		return "an unreadable address"
	case u.Host == "":
		return "another path"
	}
	return strings.TrimPrefix(u.Scheme+"://"+u.Host, "://")
}

// planLimit is true when waiting does not help: the plan must be upgraded.
func (e *StatusError) planLimit() bool {
	_, upgrade := wire.ErrorText(e.Body)
	return upgrade != ""
}

// TimeoutError is a limit of ours that ended an attempt. It Is [context.DeadlineExceeded].
type TimeoutError struct {
	After   time.Duration
	Stalled bool // no byte moved for that long
}

// Error tells which limit it was.
func (e *TimeoutError) Error() string {
	if e.Stalled {
		return fmt.Sprintf("no byte moved for %v", e.After)
	}
	return fmt.Sprintf("no complete answer within %v", e.After)
}

// Is makes a limit of ours a deadline like the caller's.
func (e *TimeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

// Timeout is true, as for [net.Error].
func (e *TimeoutError) Timeout() bool { return true }

// TooLargeError is an answer above the limit.
type TooLargeError struct{ Limit int64 }

// Error tells the limit.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the answer is larger than %d bytes", e.Limit)
}

// CutError is a success whose body ended too early. It Is [io.ErrUnexpectedEOF].
type CutError struct {
	Body []byte // what came
	Err  error
}

// Error tells how much came.
func (e *CutError) Error() string {
	return fmt.Sprintf("the answer was cut after %d bytes: %v", len(e.Body), e.Err)
}

// Unwrap returns the cause.
func (e *CutError) Unwrap() error { return e.Err }

// contextError is a done context: its own error, and the cause that was given with it.
func contextError(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if errors.Is(cause, err) {
		return cause
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// failure is the error of the whole call.
func (c *call) failure() *Error {
	e := &Error{Attempts: c.attempts, OutcomeUnknown: c.outcomeUnknown(), Hint: c.note}
	switch {
	case c.waiting && c.ctx.Err() != nil: // the wait was cut short; the attempt before it is known to have done nothing
		e.Err, e.OutcomeUnknown = contextError(c.ctx), false
	case c.last.status != nil:
		e.Err = c.last.status
		if c.client.plainToTLS(c.last.status) {
			e.Hint = "the server speaks TLS: use https:// in SANDFLARE_API_URL"
		}
	default:
		e.Err = c.last.err
	}
	return e
}

// plainToTLS recognises how servers refuse plain HTTP on their TLS port.
func (c *Client) plainToTLS(s *StatusError) bool {
	return s.Status == http.StatusBadRequest && strings.HasPrefix(c.config.BaseURL, "http://") &&
		(bytes.Contains(s.Body, []byte("HTTP request to an HTTPS server")) || bytes.Contains(s.Body, []byte("plain HTTP request was sent to HTTPS port")))
}
