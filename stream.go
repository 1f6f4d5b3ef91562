package sandflare

import (
	"context"
	"fmt"
	"io"
	"iter"
	"mime"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sandflare/sandflare-go/internal/sse"
	"github.com/sandflare/sandflare-go/internal/transport"
	"github.com/sandflare/sandflare-go/internal/wire"
)

// EventType is what an [ExecEvent] is. Types that are not listed here are delivered as they come.
type EventType string

// The events of a stream.
const (
	EventStdout EventType = "stdout"
	EventStderr EventType = "stderr"
	EventDone   EventType = "done" // the last one
)

// ExecEvent is one line of output, or the end of the command.
type ExecEvent struct {
	Type     EventType
	Data     string // one line, without its newline
	ExitCode int    // set on EventDone
}

// ExecStream runs a command and yields its output line by line as it is
// written, then an [EventDone] with the exit code (GET …/exec/stream).
//
// The command starts when the result is ranged over, which is possible once
// (then [ErrStreamConsumed]). Each event comes once and in order, memory is
// constant, and a slow loop slows the command down. Leaving the loop or ending
// ctx closes the connection at once.
//
// After EventDone the loop ends without error. Whatever else ends the stream
// is yielded once as an error: before the first event as for any call with an
// effect ([ErrOutcomeUnknown], [*APIError]), later [ErrStreamInterrupted] with
// its cause; a plain end also Is [io.ErrUnexpectedEOF]. The command is never
// run again. A line may be up to 16 MiB long.
func (s *Sandbox) ExecStream(ctx context.Context, command string, opts *ExecOptions) iter.Seq2[ExecEvent, error] {
	const verb = "stream exec in"
	var used atomic.Bool
	return func(yield func(ExecEvent, error) bool) {
		if used.Swap(true) {
			yield(ExecEvent{}, &callError{op: s.opOrVerb(verb), err: ErrStreamConsumed})
			return
		}
		stream, err := s.openStream(ctx, verb, command, opts)
		if err != nil {
			yield(ExecEvent{}, err)
			return
		}
		defer stream.close()
		stream.deliver(yield)
	}
}

func (s *Sandbox) opOrVerb(verb string) string {
	if s == nil {
		return verb
	}
	return s.op(verb)
}

// execStream is a stream whose answer has begun.
type execStream struct {
	sandbox *Sandbox
	ctx     context.Context
	op      string
	cmd     *command
	req     transport.Request
	body    io.ReadCloser
	begun   bool // an event came
}

func (s *Sandbox) openStream(ctx context.Context, verb, command string, opts *ExecOptions) (*execStream, error) {
	if err := s.ready(ctx, verb); err != nil {
		return nil, err
	}
	cmd, err := newCommand(s.op(verb), command, opts, streamTimeout)
	if err != nil {
		return nil, err
	}
	stream, err := s.startStream(ctx, verb, cmd)
	if err != nil {
		s.withdraw(ctx, cmd)
	}
	return stream, err
}

func (s *Sandbox) startStream(ctx context.Context, verb string, cmd *command) (*execStream, error) {
	req, err := s.streamRequest(ctx, cmd)
	if err != nil {
		return nil, err
	}
	req.Segments = []string{s.name}
	resp, err := s.client.transport.Open(ctx, req)
	if err != nil {
		return nil, failed(s.op(verb), req, err)
	}
	if err := s.client.notAStream(s.op(verb), req, resp); err != nil {
		resp.Body.Close()
		return nil, err
	}
	return &execStream{sandbox: s, ctx: ctx, op: s.op(verb), cmd: cmd, req: req, body: resp.Body}, nil
}

// close ends the connection.
func (s *execStream) close() {
	s.body.Close()
	if !s.begun {
		s.sandbox.withdraw(s.ctx, s.cmd)
	}
}

// notAStream is the error of a success that is JSON or HTML instead of a
// stream. The command may have run.
func (c *Client) notAStream(op string, req transport.Request, resp *http.Response) error {
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if kind == "" || kind == "text/event-stream" {
		return nil
	}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	return &callError{op: op, kind: ErrOutcomeUnknown, hint: "it may have run, and was not sent again",
		err: fmt.Errorf("the answer is no event stream: %w", apiError(req, resp.StatusCode, c.transport.RedactHeader(req, resp.Header), c.hidden(req, body), 0))}
}

// deliver yields events until done, an error, or the end of the loop.
func (s *execStream) deliver(yield func(ExecEvent, error) bool) {
	frames := sse.NewReader(s.body)
	for {
		frame, err := frames.Next()
		if err != nil {
			yield(ExecEvent{}, s.interrupted(err))
			return
		}
		s.begun = true
		event, err := eventFrom(frame)
		if err != nil {
			yield(ExecEvent{}, s.interrupted(err))
			return
		}
		if event.Type == EventDone {
			s.finish()
			yield(event, nil)
			return
		}
		if !yield(event, nil) {
			return
		}
	}
}

// interrupted is the error of a stream that ended before done.
func (s *execStream) interrupted(err error) error {
	if s.ctx.Err() != nil {
		err = contextError(s.ctx, s.ctx.Err())
	} else if err == io.EOF {
		err = fmt.Errorf("it ended before the command was done: %w", io.ErrUnexpectedEOF)
	}
	return &callError{op: s.op, kind: ErrStreamInterrupted, err: s.sandbox.client.discreet(s.req, err), hint: "the command may still run"}
}

// finish reads what follows done, within bounds, so that the connection can
// be used again.
func (s *execStream) finish() {
	const bytes, wait = 64 << 10, 250 * time.Millisecond
	timer := time.AfterFunc(wait, func() { s.body.Close() })
	defer timer.Stop()
	_, _ = io.CopyN(io.Discard, s.body, bytes)
}

// eventFrom reads one frame. An event without a type is stdout; exit ends like done.
func eventFrom(frame sse.Frame) (ExecEvent, error) {
	switch kind := EventType(frame.Event); kind {
	case EventDone, "exit":
		return doneEvent(frame.Data)
	case "error":
		return ExecEvent{}, fmt.Errorf("the service ended the stream: %s", lineOf(frame.Data))
	case "", "message":
		return ExecEvent{Type: EventStdout, Data: lineOf(frame.Data)}, nil
	default:
		return ExecEvent{Type: kind, Data: lineOf(frame.Data)}, nil
	}
}

func doneEvent(data []byte) (ExecEvent, error) {
	var answer wire.ExecResult
	if err := wire.Decode(data, &answer); err != nil {
		return ExecEvent{}, fmt.Errorf("the done event cannot be used: %w", err)
	}
	code, err := exitCode(answer)
	if err != nil {
		return ExecEvent{}, fmt.Errorf("the done event cannot be used: %w", err)
	}
	return ExecEvent{Type: EventDone, ExitCode: code}, nil
}

// lineOf reads {"line": "text"}, a JSON text, {"error": "text"}, or plain text; without the line's end.
func lineOf(data []byte) string {
	line, ok := sse.DecodeLine(data)
	if !ok {
		line = wire.LineText(data)
	}
	return strings.TrimSuffix(line, "\n")
}

// CollectExec runs a stream to its end and returns the whole output, as
// [Sandbox.Exec] would, each line with a newline at its end. When the stream fails,
// what came until then is returned beside the error, with ExitCode -1.
func CollectExec(events iter.Seq2[ExecEvent, error]) (*ExecResult, error) {
	var stdout, stderr strings.Builder
	result := func(code int) *ExecResult {
		return &ExecResult{Stdout: stdout.String(), Stderr: stderr.String(), ExitCode: code}
	}
	if events == nil {
		return result(-1), invalid("collect exec", "the stream is nil")
	}
	for event, err := range events {
		if err != nil {
			return result(-1), err
		}
		switch event.Type {
		case EventStdout:
			stdout.WriteString(event.Data + "\n")
		case EventStderr:
			stderr.WriteString(event.Data + "\n")
		case EventDone:
			return result(event.ExitCode), nil
		}
	}
	return result(-1), &callError{op: "collect exec", kind: ErrStreamInterrupted,
		err: fmt.Errorf("the events ended before done: %w", io.ErrUnexpectedEOF)}
}
