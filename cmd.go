package sandflare

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"time"
)

// Cmd is a command to be run in a sandbox, used like [os/exec.Cmd]: set its
// fields, then call [Cmd.Run], [Cmd.Output] or [Cmd.CombinedOutput] once.
//
// What the command prints arrives byte for byte, binary output and a missing
// last newline included, and line by line while it runs; from the first bytes
// that are no text, or a line above 64 KiB, it arrives at the end. (Only when
// the command is cut short, as by its Timeout, a last line without newline gets
// one.) The API itself carries lines of text: so the command's files lie in a
// folder of /tmp in the sandbox until Run returns.
type Cmd struct {
	Env            map[string]string // added to the environment
	Dir            string            // default: the sandbox's home
	Timeout        time.Duration     // of the command, in the sandbox; default 300s; then, or a second before ctx's deadline, the exit code is 124
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
// ctx ends, the command's process group is killed as well as it can be, within
// 10 seconds where the service does not answer, and the error Is the context's.
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
	defer func() { r.cleanUp(ctx, err) }()
	return r.run(ctx, cmd, c.Stdin, combined)
}

// cmdRun is one run of a Cmd, with a folder of its own in the sandbox.
type cmdRun struct {
	sb             *Sandbox
	op, dir, mark  string
	stdout, stderr *exactWriter
}

// wrapper runs the command so that its output goes both to the stream and into
// files, in a process group of its own, and ends each stream with a mark and
// the number of bytes that went before it. A last line without newline is the
// one that the mark stands on. What a login shell prints by itself comes before
// the first mark. A command that stops itself would end the first wait: so the
// one that counts comes when nobody writes any more.
const wrapper = `echo "$m"; echo "$m" >&2
mkfifo "$d/o" "$d/e" || exit
exec 3>&1 4>&2 2>/dev/null
tee "$d/out" <"$d/o" >&3 & o=$!
tee "$d/err" <"$d/e" >&4 & e=$!
command -v bash >&2 && b=bash || b=sh
set -m
"$b" $RUN <"$in" >"$d/o" 2>"$d/e" $ALSO 3>&- 4>&- & p=$!
echo "$p" >"$d/pid"
wait "$o" "$e"
wait "$p"; code=$?
printf '%s %s\n' "$m" "$(wc -c <"$d/out")" >&3
printf '%s %s\n' "$m" "$(wc -c <"$d/err")" >&4
exit "$code"`

func (r *cmdRun) run(ctx context.Context, cmd *command, stdin io.Reader, combined bool) error {
	in := "/dev/null"
	if stdin != nil {
		in = r.dir + "/in"
		if err := r.sb.Upload(ctx, in, stdin, nil); err != nil {
			return err
		}
	}
	script, err := r.script(ctx, cmd, in, combined)
	if err != nil {
		return err
	}
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

// script puts the command into the wrapper. It comes along in a here-document,
// or in a file when it is long or has values of the environment.
func (r *cmdRun) script(ctx context.Context, cmd *command, in string, combined bool) (string, error) {
	text, run, also := cmd.script()+"\n", `-lc "$(cat "$d/run")"`, ""
	if len(text) > maxScript {
		run = `-l "$d/run"`
	}
	if combined {
		also = "2>&1"
	}
	begin := "d=" + r.dir + " in=" + in + " m=" + r.mark + "\n"
	if len(cmd.env) > 0 || len(query("cmd", quote(text))) > maxStreamURL/2 {
		if err := r.sb.writeFile(ctx, "run command in", r.dir+"/run", []byte(text)); err != nil {
			return "", err
		}
	} else {
		begin += "mkdir -p \"$d\"; cat >\"$d/run\" <<'" + r.mark + "'\n" + text + r.mark + "\n"
	}
	return begin + strings.NewReplacer("$RUN", run, "$ALSO", also).Replace(wrapper), nil
}

// finish brings what was no text, and turns the exit code into an error.
func (r *cmdRun) finish(ctx context.Context, code int) error {
	for name, w := range map[string]*exactWriter{"/out": r.stdout, "/err": r.stderr} {
		if w.whole() {
			continue
		}
		_, err := r.sb.Download(ctx, r.dir+name, &skipWriter{to: w, skip: w.written}, nil)
		if err != nil && (w.held || !errors.Is(err, ErrNotFound)) { // not there: the command never began
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
