package local

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/sandflare/sandflare-go/internal/local/guest"
)

// maxOutput is what a unary answer holds of each stream.
const maxOutput = 64 << 20

// result is what a command that has ended printed.
type result struct {
	stdout, stderr string
	exit           guest.Exit
}

// begin starts a command in the sandbox, with its environment. When ctx ends,
// its whole tree is killed.
func (sb *sandbox) begin(ctx context.Context, cmd guest.Command) (proc *guest.Process, err error) {
	cmd.Env = append(environ(sb.environment()), cmd.Env...)
	err = sb.whileReady(func() error {
		proc, err = sb.guest.Exec(ctx, cmd)
		return err
	})
	return proc, err
}

// run runs a command to its end and logs its output.
func (sb *sandbox) run(ctx context.Context, cmd guest.Command) (result, error) {
	res, err := sb.quietly(ctx, cmd)
	sb.logs.text(res.stdout)
	sb.logs.text(res.stderr)
	return res, err
}

// quietly runs a command without logging it.
func (sb *sandbox) quietly(ctx context.Context, cmd guest.Command) (result, error) {
	proc, err := sb.begin(ctx, cmd)
	if err != nil {
		return result{}, err
	}
	res, err := collect(proc)
	if err == nil {
		err = ctx.Err()
	}
	return res, err
}

// collect reads both streams up to their limit and waits for the end.
func collect(proc *guest.Process) (res result, err error) {
	var stdout, stderr capped
	var reading sync.WaitGroup
	reading.Go(func() { stdout.readFrom(proc.Stdout) })
	reading.Go(func() { stderr.readFrom(proc.Stderr) })
	reading.Wait()
	res.exit, err = proc.Wait()
	res.stdout, res.stderr = stdout.String(), stderr.String()
	for name, stream := range map[string]*capped{"stdout": &stdout, "stderr": &stderr} {
		if stream.lost > 0 {
			res.stderr += fmt.Sprintf("\nsandflare-local: %s was cut by %d bytes at %d MiB; use a stream or a file\n", name, stream.lost, maxOutput>>20)
		}
	}
	return res, err
}

// capped keeps the beginning of a stream and counts the rest.
type capped struct {
	strings.Builder
	lost int64
}

func (c *capped) readFrom(r io.ReadCloser) {
	defer r.Close()
	_, _ = io.Copy(&c.Builder, io.LimitReader(r, maxOutput)) // what can be read is the output
	c.lost, _ = io.Copy(io.Discard, r)
}

func splitLines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// output is some lines of one stream of a command.
type output struct {
	stream string // stdout or stderr
	lines  []string
}

// follow starts a command and hands its output on as it is read. A handler that
// is slow slows the command down; one that fails ends it. idle is called when
// nothing more is waiting.
func (sb *sandbox) follow(ctx context.Context, cmd guest.Command, handle func(output) error, idle func() error) (guest.Exit, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	proc, err := sb.begin(ctx, cmd)
	if err != nil {
		return guest.Exit{}, err
	}
	outputs := make(chan output)
	var reading sync.WaitGroup
	reading.Go(func() { readLines("stdout", proc.Stdout, outputs) })
	reading.Go(func() { readLines("stderr", proc.Stderr, outputs) })
	go func() { reading.Wait(); close(outputs) }()
	defer func() { // a planned fault cuts an answer by a panic
		cancel(nil)
		for range outputs { // until the readers have ended
		}
	}()
	for more := true; more; {
		var out output
		if out, more, err = next(outputs, idle); err == nil && more {
			sb.logs.append(out.lines)
			err = handle(out)
		}
		if err != nil {
			cancel(err)
		}
	}
	exit, err := proc.Wait()
	if ctx.Err() != nil {
		return exit, context.Cause(ctx)
	}
	return exit, err
}

// next takes what is waiting; when nothing is, it calls idle first.
func next(outputs <-chan output, idle func() error) (out output, more bool, err error) {
	select {
	case out, more = <-outputs:
		return out, more, nil
	default:
	}
	err = idle()
	out, more = <-outputs
	return out, more, err
}

func readLines(stream string, r io.ReadCloser, outputs chan<- output) {
	defer r.Close()
	var lines lineSplitter
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Read(buf)
		if found := lines.feed(buf[:n]); len(found) > 0 {
			outputs <- output{stream, found}
		}
		if err != nil {
			break
		}
	}
	if last := lines.end(); len(last) > 0 {
		outputs <- output{stream, last}
	}
}
