package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/sandflare/sandflare-go"
)

const events = 300_000

// streamRows decode a stream of small events over a real connection.
func (b *bench) streamRows() []row {
	var body bytes.Buffer
	for i := range events {
		fmt.Fprintf(&body, "event: stdout\ndata: {\"line\": \"step %d of the work is done\"}\n\n", i)
	}
	body.WriteString("event: done\ndata: {\"exit_code\": 0, \"ok\": true}\n\n")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.Write(body.Bytes())
	}))
	b.onClose(server.Close)
	client, _ := sandflare.NewClient(sandflare.WithAPIKey("key"), sandflare.WithBaseURL(server.URL))
	sb := client.Sandbox("sb-1")
	return []row{{
		name: "decode a stream of 300,000 small events", against: "hand-written reader, same fast path", target: "≤ 1.6×", rounds: 7, perCall: events,
		ours: func() error {
			n := 0
			for event, err := range sb.ExecStream(b.ctx, "work", nil) {
				if err != nil {
					return err
				}
				n += len(event.Data)
			}
			return enough(n)
		},
		bare: func() error {
			resp, err := http.Get(server.URL)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			return enough(readByHand(bufio.NewReaderSize(resp.Body, 64<<10)))
		},
	}}
}

func enough(n int) error {
	if n < events*20 {
		return fmt.Errorf("only %d bytes came", n)
	}
	return nil
}

// readByHand is the least that reads this stream: it knows its exact shape.
func readByHand(r *bufio.Reader) (n int) {
	kind := ""
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return n
		}
		if name, ok := bytes.CutPrefix(line, []byte("event: ")); ok {
			kind = eventName(name)
		} else if data, ok := bytes.CutPrefix(line, []byte(`data: {"line": "`)); ok && bytes.IndexByte(data, '\\') < 0 && kind == "stdout" {
			event := sandflare.ExecEvent{Type: sandflare.EventStdout, Data: string(data[:len(data)-3])}
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
