package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/internal/sse"
)

const smallEventsRow = "decode a stream of small events"

// A recording is a stream of events, served over a real connection.
type recording struct {
	url    string
	events int
	bytes  int // of lines in all
}

// record serves a stream of n equal events.
func (b *bench) record(n int, line string) recording {
	var body bytes.Buffer
	body.WriteString(strings.Repeat("event: stdout\ndata: {\"line\": \""+line+"\"}\n\n", n))
	body.WriteString("event: done\ndata: {\"exit_code\": 0, \"ok\": true}\n\n")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.Write(body.Bytes())
	}))
	b.onClose(server.Close)
	return recording{url: server.URL, events: n, bytes: n * len(line)}
}

func (b *bench) smallEvents() recording {
	return b.record(b.size(300_000, 60_000), "step 123456 of the work is done")
}

// streamRows decode streams against a reader that knows their exact shape.
func (b *bench) streamRows() ([]row, error) {
	small, large := b.smallEvents(), b.record(b.size(64, 16), strings.Repeat("0123456789abcdef", 1<<16))
	var rows []row
	for _, kind := range []struct {
		name   string
		stream recording
		target float64
	}{{smallEventsRow, small, 1.6}, {"decode a stream of 1 MiB events", large, 2.5}} {
		rows = append(rows, row{
			name: kind.name, against: "hand-written reader, same JSON path", rounds: b.size(21, 5), target: kind.target,
			ours: timed(kind.stream.events, func() error { return b.decode(kind.stream) }),
			bare: timed(kind.stream.events, func() error { return kind.stream.read(readByHand) }),
		})
	}
	return rows, nil
}

// decode reads a recording through the SDK.
func (b *bench) decode(stream recording) error {
	client, err := sandflare.NewClient(sandflare.WithAPIKey("key"), sandflare.WithBaseURL(stream.url))
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	n := 0
	for event, err := range client.Sandbox("sb-1").ExecStream(b.ctx, "work", nil) {
		if err != nil {
			return err
		}
		n += len(event.Data)
	}
	return stream.check(n)
}

// read reads a recording by other means, which count the bytes of its lines.
func (s recording) read(reader func(*http.Response) (int, error)) error {
	resp, err := http.Get(s.url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	n, err := reader(resp)
	if err != nil {
		return err
	}
	return s.check(n)
}

func (s recording) check(n int) error {
	if n != s.bytes {
		return fmt.Errorf("%d bytes came, not %d", n, s.bytes)
	}
	return nil
}

// readByHand is the least that reads such a stream.
func readByHand(resp *http.Response) (n int, err error) {
	r := bufio.NewReaderSize(resp.Body, 64<<10)
	var long []byte
	kind := ""
	for {
		line, err := r.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			long = append(long, line...)
			continue
		}
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		if len(long) > 0 {
			long = append(long, line...)
			line, long = long, long[:0]
		}
		if name, ok := bytes.CutPrefix(line, []byte("event: ")); ok {
			kind = eventName(name)
		} else if data, ok := bytes.CutPrefix(line, []byte("data: ")); ok && kind == "stdout" {
			text, _ := sse.DecodeLine(data[:len(data)-1])
			event := sandflare.ExecEvent{Type: sandflare.EventStdout, Data: text}
			n += len(event.Data)
		}
	}
}

func eventName(name []byte) string {
	if string(name) == "stdout\n" {
		return "stdout"
	}
	return strings.TrimSpace(string(name))
}
