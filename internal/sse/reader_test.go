package sse_test

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sandflare/sandflare-go/internal/sse"
)

type event struct{ name, data string }

func readAll(r io.Reader) (events []event, err error) {
	reader := sse.NewReader(r)
	for {
		frame, err := reader.Next()
		if err != nil {
			return events, err
		}
		events = append(events, event{frame.Event, string(frame.Data)})
	}
}

func TestReadsFrames(t *testing.T) {
	t.Parallel()
	got, err := readAll(strings.NewReader("event: stdout\ndata: {\"line\": \"a\"}\n\nevent: done\ndata: {}\n\n"))
	assert.Equal(t, []event{{"stdout", `{"line": "a"}`}, {"done", "{}"}}, got)
	assert.ErrorIs(t, err, io.EOF)
}
