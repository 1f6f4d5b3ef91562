package transport

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// jitter is a random wait below the step of the given retry (0 is the first):
// base, doubled each time, never above most.
func jitter(base, most time.Duration, retry int) time.Duration {
	step := min(base, most)
	for range retry {
		step = min(2*step, most)
	}
	if step <= 0 {
		return 0
	}
	return rand.N(step)
}

// retryAfter reads a Retry-After header, in seconds or as a date, which is
// taken relative to the server's own clock when it tells it. A date in the
// past is a wait of zero. What cannot be read, or counted, is ignored.
func retryAfter(header http.Header, now time.Time) (wait time.Duration, ok bool) {
	values := header.Values("Retry-After")
	if len(values) != 1 {
		return 0, false
	}
	text := strings.TrimSpace(values[0])
	if text != "" && strings.Trim(text, "0123456789") == "" {
		return seconds(text)
	}
	date, err := http.ParseTime(text)
	if err != nil {
		return 0, false
	}
	if serverNow, err := http.ParseTime(header.Get("Date")); err == nil {
		now = serverNow
	}
	return max(date.Sub(now), 0), true
}

func seconds(digits string) (time.Duration, bool) {
	const most = int64(1<<63-1) / int64(time.Second)
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n > most {
		return 0, false
	}
	return time.Duration(n) * time.Second, true
}
