package local_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A line is on the wire while the command waits for its reader.
func TestStreamIsLive(t *testing.T) {
	t.Parallel()
	a := shared(t)
	sb := a.create(nil)
	s := a.stream(sb, "mkfifo f g; echo one; read x <f; echo $x; read x <g; echo $x >&2; exit 5")
	assert.Equal(t, "stdout one", s.line())
	a.out(sb, "echo two >f")
	assert.Equal(t, "stdout two", s.line())
	a.out(sb, "echo three >g")
	assert.Equal(t, "stderr three", s.line())
	assert.Equal(t, 5, s.done())
}

func TestStreamFrames(t *testing.T) {
	t.Parallel()
	a := shared(t)
	sb := a.create(nil)
	s := a.stream(sb, `printf '\n"q" <b>&\\\r\n\x01é\xff\nlast'`)
	for _, want := range []string{`{"line":""}`, `{"line":"\"q\" <b>&\\\r"}`, `{"line":"\u0001é\ufffd"}`, `{"line":"last"}`} {
		event, data := s.next()
		assert.Equal(t, "stdout", event)
		assert.Equal(t, want, data)
	}
	assert.Zero(t, s.done())
	assert.Zero(t, a.stream(sb, "true").done())
	assert.Equal(t, "stdout tmp", a.stream(sb, "basename $PWD", "&cwd=/tmp").line(), "cwd is honoured")
}

// A rune that is written in two halves, with a pause between them, stays whole.
func TestStreamKeepsRunesWhole(t *testing.T) {
	t.Parallel()
	a := shared(t)
	sb := a.create(nil)
	s := a.stream(sb, `mkfifo f; echo on; printf 'x\xc3'; read x <f; printf '\xa9y\n'`)
	require.Equal(t, "stdout on", s.line())
	a.out(sb, "echo >f")
	assert.Equal(t, "stdout xéy", s.line())
	assert.Zero(t, s.done())
}

func TestStreamLongLines(t *testing.T) {
	t.Parallel()
	a := shared(t)
	sb := a.create(nil)
	s := a.stream(sb, `head -c 10485760 /dev/zero | tr '\0' x; echo; head -c 3000000 /dev/zero; echo; echo end`)
	assert.Equal(t, 10<<20, strings.Count(s.line(), "x"), "ten MiB stay one line")
	zeros := 0
	for zeros < 3_000_000 {
		zeros += strings.Count(s.line(), "\x00") // cut, as escapes make it six times as long
	}
	assert.Equal(t, "stdout end", s.line())
	assert.Zero(t, s.done())
}

func TestStreamKeepsOrder(t *testing.T) {
	t.Parallel()
	a := shared(t)
	sb := a.create(nil)
	const n = 20_000
	s := a.stream(sb, fmt.Sprintf("seq %d; seq %d >&2", n, n))
	next := map[string]int{}
	for range 2 * n {
		stream, number, _ := strings.Cut(s.line(), " ")
		next[stream]++
		require.Equal(t, fmt.Sprint(next[stream]), number)
	}
	assert.Equal(t, map[string]int{"stdout": n, "stderr": n}, next)
	assert.Zero(t, s.done())
}

// A reader that does not read stops the command instead of filling memory.
func TestStreamBackPressure(t *testing.T) {
	t.Parallel()
	a := shared(t)
	sb := a.create(nil)
	s := a.stream(sb, "yes 0123456789 | head -c 300000000 | tee >(wc -c >n); echo done >ended")
	require.Equal(t, "stdout 0123456789", s.line())
	a.out(sb, "sleep 0.3")
	assert.NotContains(t, a.out(sb, "ls"), "ended")
	s.body.Close()
	a.quiet(sb)
	assert.NotContains(t, a.out(sb, "ls"), "ended")
}

func TestStreamErrorsAreAnswers(t *testing.T) {
	t.Parallel()
	a := shared(t)
	status, data := a.call("GET", "/sandboxes/sb-none/exec/stream?cmd=true", nil)
	assert.Equal(t, 404, status)
	assert.True(t, bytes.HasPrefix(data, []byte(`{"error":`)))
}
