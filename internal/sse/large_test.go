package sse_test

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/sse"
)

func TestFaults_S7_long_lines(t *testing.T) {
	t.Parallel()
	for _, size := range []int{4 << 10, 32<<10 - 8, 32 << 10, 64 << 10, 10 << 20, sse.MaxFrame - len("data: \n\n")} {
		line := strings.Repeat("x", size)
		input := "data: a\n\ndata: " + line + "\n\nevent: done\ndata: {}\n\n"
		for name, r := range map[string]io.Reader{
			"whole": strings.NewReader(input), "halves": iotest.HalfReader(strings.NewReader(input)), "pieces": slowly(input, 1000+size/500),
		} {
			got, err := readAll(r)
			require.Equal(t, io.EOF, err, name)
			require.Len(t, got, 3)
			assert.True(t, got[1].data == line, "%s of %d", name, size)
			assert.Equal(t, event{"done", "{}"}, got[2])
		}
	}
}

// endless is a line that never ends; it counts what was taken of it.
type endless struct{ taken int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	e.taken += len(p)
	return len(p), nil
}

func TestFaults_S7_event_above_the_limit(t *testing.T) {
	source := new(endless)
	reader := sse.NewReader(io.MultiReader(strings.NewReader("data: a\n\ndata: "), source))
	_, err := reader.Next()
	require.NoError(t, err)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = reader.Next()
	runtime.ReadMemStats(&after)
	assert.ErrorIs(t, err, sse.ErrTooLarge)
	assert.LessOrEqual(t, source.taken, sse.MaxFrame)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(3*sse.MaxFrame))
	_, err = reader.Next()
	assert.ErrorIs(t, err, sse.ErrTooLarge)

	over := "data: " + strings.Repeat("x", sse.MaxFrame-len("data: \n\n")+1) + "\n\n"
	_, err = readAll(strings.NewReader(over))
	assert.ErrorIs(t, err, sse.ErrTooLarge)
}

// S18: a million events pass in order and leave nothing behind.
func TestFaults_S18_many_events(t *testing.T) {
	const events = 1_000_000
	source, feed := io.Pipe()
	go func() {
		var block bytes.Buffer
		for i := range events {
			fmt.Fprintf(&block, "event: stdout\ndata: {\"line\":\"%d\"}\n\n", i)
			if block.Len() > 60_000 || i == events-1 {
				feed.Write(block.Bytes())
				block.Reset()
			}
		}
		feed.Close()
	}()
	reader := sse.NewReader(source)
	want := []byte(nil)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range events {
		frame, err := reader.Next()
		require.NoError(t, err)
		want = fmt.Appendf(want[:0], `{"line":"%d"}`, i)
		if !bytes.Equal(want, frame.Data) {
			require.Equal(t, string(want), string(frame.Data))
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	assert.Less(t, after.HeapAlloc, before.HeapAlloc+1<<20)
	_, err := reader.Next()
	assert.Equal(t, io.EOF, err)
}

// A large event leaves no slow reader behind: what follows is not searched again and again.
func TestSmallEventsAllocateNothing(t *testing.T) {
	big := "data: " + strings.Repeat("x", 1<<20) + "\n\n"
	small := "event: stdout\ndata: {\"line\":\"hello\"}\n\n"
	reader := sse.NewReader(strings.NewReader(big + strings.Repeat(small, 20_000)))
	_, err := reader.Next()
	require.NoError(t, err)
	perEvent := testing.AllocsPerRun(10_000, func() { reader.Next() })
	assert.Less(t, perEvent, 0.1)
}

// A large event is not paid for until the stream ends.
func TestLargeBufferIsGivenBack(t *testing.T) {
	big := "data: " + strings.Repeat("x", 15<<20) + "\n\n"
	reader := sse.NewReader(io.MultiReader(strings.NewReader(big), strings.NewReader("data: a\n\ndata: b\n\n")))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range 3 {
		_, err := reader.Next()
		require.NoError(t, err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	assert.Less(t, after.HeapAlloc, before.HeapAlloc+20<<20)
	runtime.KeepAlive(reader)
	runtime.KeepAlive(big)
}
