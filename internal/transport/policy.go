package transport

import (
	"context"
	"math"
	"net/http"
	"time"

	"github.com/sandflare/sandflare-go/internal/wire"
)

// checkRetry decides about another attempt after c.last, and how long to wait before it.
func (c *call) checkRetry(context.Context, *http.Response, error) (bool, error) {
	retry := c.last.failed() && c.ctx.Err() == nil && c.retryable() && c.roomLeft()
	c.log(retry)
	c.arrived = c.arrived || retry && c.last.sent
	return retry, nil
}

// retryable asks whether sending the call again is safe and could help.
func (c *call) retryable() bool {
	switch o := c.last; {
	case o.final:
		return false
	case o.status != nil:
		return c.retryableStatus(o.status)
	default:
		return !o.sent || c.req.Route.Class != wire.Effect
	}
}

// retryableStatus holds the rows of the table: an answer that asks to come
// back later was not worked on; the others leave that open.
func (c *call) retryableStatus(s *StatusError) bool {
	switch s.Status {
	case http.StatusTooManyRequests:
		return s.comeBack && !s.planLimit()
	case http.StatusServiceUnavailable:
		return s.comeBack || c.req.Route.Class != wire.Effect
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusBadGateway, http.StatusGatewayTimeout:
		return c.req.Route.Class != wire.Effect
	}
	return false
}

// roomLeft asks whether one more attempt is within every limit, and sets the wait.
func (c *call) roomLeft() bool {
	config := c.client.config
	c.wait = jitter(config.BaseDelay, config.MaxRetryDelay, c.attempts-1)
	if s := c.last.status; s != nil {
		c.wait += min(s.RetryAfter, math.MaxInt64-c.wait)
	}
	deadline, limited := c.ctx.Deadline()
	switch {
	case c.attempts > config.MaxRetries:
	case c.opened.Load() && !c.req.Body.Replayable:
		c.note = "not sent again, because its body can be read only once"
	case c.last.status != nil && c.last.status.RetryAfter > config.MaxRetryDelay:
		c.note = "the service asks to wait longer than the client is set to"
	case limited && time.Until(deadline) <= c.wait:
		c.note = "no time left for another attempt"
	case !c.client.budget.take():
		c.note = "not sent again, because too many calls of this client are failing"
	default:
		return true
	}
	return false
}

// outcomeUnknown asks whether an effect may have happened although its call failed.
func (c *call) outcomeUnknown() bool {
	o := c.last
	if c.req.Route.Class != wire.Effect || !o.sent {
		return false
	}
	return o.status == nil || o.status.unclear()
}

// unclear is true for answers that do not say whether the request was worked on.
func (e *StatusError) unclear() bool {
	switch e.Status {
	case http.StatusRequestTimeout:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported, http.StatusNetworkAuthenticationRequired:
		return false
	case http.StatusServiceUnavailable:
		return !e.comeBack
	}
	return e.Status < 200 || e.Status >= 500
}
