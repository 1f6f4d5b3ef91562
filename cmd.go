package sandflare

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Cmd is a command to be run in a sandbox, used like [os/exec.Cmd]: set its
// fields, then call [Cmd.Run], [Cmd.Output] or [Cmd.CombinedOutput] once.
//
// What the command prints arrives byte for byte, binary output and a missing
// last newline included, and line by line while it runs; from the first bytes
// that are no text it arrives at the end. (Only when the command is cut short,
// as by its Timeout, a last line without newline gets one.) The API itself carries lines of
// text: so the command's files lie in a folder of /tmp in the sandbox until
// Run returns.
type Cmd struct {
	Env            map[string]string // added to the environment
	Dir            string            // default: the sandbox's home
	Timeout        time.Duration     // of the command, in the sandbox; default 300s; then the exit code is 124
	Stdin          io.Reader         // sent before the command starts; nil: nothing to read
	Stdout, Stderr io.Writer         // nil: dropped

	sandbox *Sandbox
	command string
	used    atomic.Bool
}

// Command makes a Cmd that runs a command with bash.
func (s *Sandbox) Command(command string) *Cmd { return &Cmd{sandbox: s, command: command} }

// Output runs the command and returns what it printed to standard output. When
// Stderr is nil, the end of standard error is in an [ExitError]'s Result.
func (c *Cmd) Output(ctx context.Context) ([]byte, error) {
	if c != nil && c.Stdout != nil {
		return nil, invalid("run command", "Stdout is set already; call Run")
	}
	var out bytes.Buffer
	if c == nil {
		return nil, c.Run(ctx)
	}
	err := c.runTo(ctx, &out, c.Stderr, false)
	return out.Bytes(), err
}

// CombinedOutput runs the command and returns standard output and standard error as they came.
func (c *Cmd) CombinedOutput(ctx context.Context) ([]byte, error) {
	if c != nil && (c.Stdout != nil || c.Stderr != nil) {
		return nil, invalid("run command", "Stdout or Stderr is set already; call Run")
	}
	var out bytes.Buffer
	err := c.runTo(ctx, &out, nil, true)
	return out.Bytes(), err
}

// Run runs the command to its end. A non-zero exit code is an [*ExitError]. When
// ctx ends, the command's process group is killed as well as it can be, and
// the error Is the context's.
func (c *Cmd) Run(ctx context.Context) error {
	if c == nil {
		return invalid("run command", "the command is nil")
	}
	if c.Stdout != nil && same(c.Stdout, c.Stderr) {
		return c.runTo(ctx, c.Stdout, nil, true)
	}
	return c.runTo(ctx, c.Stdout, c.Stderr, false)
}

// same reports whether both are one writer. Some writers cannot be compared.
func same(a, b io.Writer) bool {
	defer func() { _ = recover() }()
	return a == b
}

// runTo runs the command; combined sends standard error the way of standard output.
func (c *Cmd) runTo(ctx context.Context, stdout, stderr io.Writer, combined bool) (err error) {
	const verb = "run command in"
	if c == nil || c.sandbox == nil {
		return invalid(verb, "the command was not made by Sandbox.Command")
	}
	if err := c.sandbox.ready(ctx, verb); err != nil {
		return err
	}
	op := c.sandbox.op(verb)
	cmd, err := newCommand(op, c.command, &ExecOptions{Env: c.Env, Dir: c.Dir, Timeout: c.Timeout}, streamTimeout)
	if err != nil {
		return err
	}
	if c.used.Swap(true) {
		return invalid(op, "the command was run already; make a new one")
	}
	r := &cmdRun{sb: c.sandbox, op: op, dir: "/tmp/.sandflare-" + rand.Text(), mark: rand.Text()}
	r.stdout = &exactWriter{to: stdout, mark: r.mark, keep: combined}
	r.stderr = &exactWriter{to: stderr, mark: r.mark, keep: !combined}
	if combined {
		cmd.text = "exec 2>&1\n" + cmd.text
	}
	defer func() { r.cleanUp(ctx, err) }()
	return r.run(ctx, cmd, c.Stdin)
}

// cmdRun is one run of a Cmd, with a folder of its own in the sandbox.
type cmdRun struct {
	sb             *Sandbox
	op, dir, mark  string
	stdout, stderr *exactWriter
}

// wrapper runs $d/run so that its output goes both to the stream and into
// files, in a process group of its own, and ends each stream with a mark and
// the number of bytes that went before it. A last line without newline is the
// one that the mark stands on.
const wrapper = `mkfifo "$d/o" "$d/e" || exit
exec 3>&1 4>&2 2>/dev/null
tee "$d/out" <"$d/o" >&3 & o=$!
tee "$d/err" <"$d/e" >&4 & e=$!
set -m
"$(command -v bash || echo sh)" -l "$d/run" <"$in" >"$d/o" 2>"$d/e" 3>&- 4>&- & p=$!
echo "$p" >"$d/pid"
wait "$p"; code=$?
wait "$o" "$e"
printf '%s %s\n' "$m" "$(wc -c <"$d/out")" >&3
printf '%s %s\n' "$m" "$(wc -c <"$d/err")" >&4
exit "$code"`

func (r *cmdRun) run(ctx context.Context, cmd *command, stdin io.Reader) error {
	in := "/dev/null"
	if stdin != nil {
		in = r.dir + "/in"
		if err := r.sb.Upload(ctx, in, stdin, nil); err != nil {
			return err
		}
	}
	if err := r.sb.writeFile(ctx, "run command in", r.dir+"/run", []byte(cmd.script()+"\n")); err != nil {
		return err
	}
	script := "d=" + r.dir + " in=" + in + " m=" + r.mark + "\n" + wrapper
	code := 0
	for event, err := range r.sb.ExecStream(ctx, script, &ExecOptions{Timeout: cmd.timeout}) {
		if err != nil {
			return err
		}
		switch event.Type {
		case EventStdout:
			err = r.stdout.line(event.Data)
		case EventStderr:
			err = r.stderr.line(event.Data)
		case EventDone:
			code = event.ExitCode
		}
		if err != nil {
			return &callError{op: r.op, err: err}
		}
	}
	return r.finish(ctx, code)
}

// finish brings what was no text, and turns the exit code into an error.
func (r *cmdRun) finish(ctx context.Context, code int) error {
	for name, w := range map[string]*exactWriter{"/out": r.stdout, "/err": r.stderr} {
		if w.whole() {
			continue
		}
		_, err := r.sb.Download(ctx, r.dir+name, &skipWriter{to: w, skip: w.written}, nil)
		if err != nil && !errors.Is(err, ErrNotFound) { // not there: the command never began
			return err
		}
	}
	if code == 0 {
		return nil
	}
	tail := append(r.stderr.tail, r.stdout.tail...) // only one of them is kept
	return &ExitError{Result: &ExecResult{Stderr: string(tail), ExitCode: code}}
}

// cleanUp removes the folder, and ends what an interrupted run left behind.
// It also works when ctx has ended, and is bounded.
func (r *cmdRun) cleanUp(ctx context.Context, err error) {
	command := "rm -rf " + r.dir
	if exit := new(ExitError); err != nil && !errors.As(err, &exit) {
		command = `kill -KILL -- "-$(cat ` + r.dir + `/pid)" 2>/dev/null; ` + command
	}
	r.sb.execAfter(ctx, command)
}

// exactWriter makes bytes of lines.
type exactWriter struct {
	to      io.Writer // nil: dropped
	mark    string
	keep    bool // the end, in tail
	tail    []byte
	held    bool  // what comes is no text: the rest is in the file
	written int64 // bytes so far
	size    int64 // bytes in all, once the mark came
	marked  bool
}

func (w *exactWriter) line(text string) error {
	text, size, last := strings.Cut(text, w.mark+" ")
	if last {
		n, err := strconv.ParseInt(strings.TrimSpace(size), 10, 64)
		w.size, w.marked = n, err == nil
	} else {
		text += "\n"
	}
	if w.held = w.held || strings.ContainsRune(text, '\uFFFD'); w.held {
		return nil
	}
	_, err := w.Write([]byte(text))
	return err
}

// Write hands bytes on and remembers the last of them.
func (w *exactWriter) Write(p []byte) (int, error) {
	w.written += int64(len(p))
	if w.keep {
		const most = 64 << 10
		w.tail = append(w.tail, p[max(0, len(p)-most):]...)
		if len(w.tail) > 2*most {
			w.tail = append(w.tail[:0], w.tail[len(w.tail)-most:]...)
		}
	}
	if w.to == nil {
		return len(p), nil
	}
	return w.to.Write(p)
}

// whole reports whether all bytes were written.
func (w *exactWriter) whole() bool { return w.marked && !w.held && w.written == w.size }

// skipWriter leaves out the first bytes.
type skipWriter struct {
	to   io.Writer
	skip int64
}

func (w *skipWriter) Write(p []byte) (int, error) {
	n := min(w.skip, int64(len(p)))
	w.skip -= n
	written, err := w.to.Write(p[n:])
	return written + int(n), err
}
