package local

import (
	"bufio"
	"bytes"
	"encoding/json"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every line is written as the JSON encoder writes it, whichever way it takes.
func TestPlainLinesAreWrittenAsJSON(t *testing.T) {
	t.Parallel()
	lines := []string{"", "plain", `quote "`, `back\slash`, "tab\t", "\x00", "\x7f", "<&>", "日本", "\xff", "\u2028"}
	for b := range 256 {
		lines = append(lines, "a"+string([]byte{byte(b)})+"b")
	}
	for _, text := range lines {
		var got, want bytes.Buffer
		s := &eventStream{buf: bufio.NewWriter(&got)}
		s.json = json.NewEncoder(s.buf)
		s.json.SetEscapeHTML(false)
		require.NoError(t, s.sendLine("stdout", text))
		require.NoError(t, s.buf.Flush())
		encoder := json.NewEncoder(&want)
		encoder.SetEscapeHTML(false)
		require.NoError(t, encoder.Encode(map[string]string{"line": text}))
		assert.Equal(t, "event: stdout\ndata: "+want.String()+"\n", got.String())
	}
}

// A reader that follows loses no count when more lines come at once than are kept.
func TestLogKeepsTheNewestOfMany(t *testing.T) {
	t.Parallel()
	log := newLogRing()
	log.append([]string{"first"})
	var many []string
	for i := range maxLogLines + 5 {
		many = append(many, strconv.Itoa(i))
	}
	log.append(many)
	lines, next, _ := log.since(0)
	require.Len(t, lines, maxLogLines)
	assert.Equal(t, "5", lines[0])
	assert.Equal(t, strconv.Itoa(maxLogLines+4), lines[maxLogLines-1])
	assert.Equal(t, 1+maxLogLines+5, next)
	log.append([]string{"last"})
	lines, _, _ = log.since(next)
	assert.Equal(t, []string{"last"}, lines)
}
