package transport

import (
	"log/slog"
	"strings"
	"time"
)

// log writes a line about the attempt just made. It holds no query, body or
// key, and no text of the service's, which may repeat a command.
func (c *call) log(retry bool) {
	level, text := slog.LevelDebug, "sandflare: call"
	if c.last.failed() {
		level, text = slog.LevelInfo, "sandflare: call failed"
	}
	logger := c.client.config.Logger
	if !logger.Enabled(c.ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("operation", c.req.Route.Op),
		slog.Int("attempt", c.attempts),
		slog.Duration("duration", time.Since(c.began)),
	}
	if strings.HasPrefix(c.req.Route.Path, "/sandboxes/{id}") {
		attrs = append(attrs, slog.String("sandbox", c.req.Segments[0]))
	}
	if c.lastStatus != 0 {
		attrs = append(attrs, slog.Int("status", c.lastStatus))
	}
	if c.last.err != nil {
		attrs = append(attrs, slog.String("error", c.redact(c.last.err.Error())))
	}
	if retry {
		attrs = append(attrs, slog.Duration("retry_in", c.wait))
	}
	logger.LogAttrs(c.ctx, level, text, attrs...)
}
