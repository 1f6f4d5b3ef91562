package sandflare

import (
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// checkDuration refuses what cannot be sent as a duration.
func checkDuration(op, name string, d time.Duration) error {
	if d < 0 {
		return invalid(op, "%s is %v: it cannot be negative; 0 means the default", name, d)
	}
	if d > math.MaxInt32*time.Second {
		return invalid(op, "%s is %v: that is longer than the API can take", name, d)
	}
	return nil
}

const maxSegment = 255 // bytes of a name or id

// checkSegment refuses what would not stay one segment of a path: ".." leads to another endpoint.
func checkSegment(op, what, s string) error {
	switch {
	case s == "":
		return invalid(op, "the %s is empty", what)
	case s == "." || s == "..":
		return invalid(op, "the %s %q would lead to another path", what, s)
	case len(s) > maxSegment:
		return invalid(op, "the %s is %d bytes long; at most %d are possible", what, len(s), maxSegment)
	case strings.ContainsAny(s, `/\?#%`) || strings.ContainsFunc(s, isControl) || !utf8.ValidString(s):
		return invalid(op, "the %s %q has a character that no %s can have", what, s, what)
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }

// checkText refuses what JSON cannot carry unharmed, and NUL, which no command can.
func checkText(op, what, s string) error {
	if i := strings.IndexByte(s, 0); i >= 0 {
		return invalid(op, "the %s has a NUL character at byte %d", what, i)
	}
	if !utf8.ValidString(s) {
		return invalid(op, "the %s is not valid UTF-8; write such bytes with WriteFile", what)
	}
	return nil
}
