package sandflare

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/sandflare/sandflare-go/internal/transport"
	"github.com/sandflare/sandflare-go/internal/wire"
)

const (
	execTimeout   = 30 * time.Second
	streamTimeout = 300 * time.Second
	maxOutput     = 256 << 20 // bytes of an answer that carries a command's output
)

// ExecOptions say how a command runs. The zero value is bash in the sandbox's
// home for at most 30 seconds, 300 for streams.
type ExecOptions struct {
	// Env is added to the environment. Names are letters, digits and _.
	Env map[string]string
	// Dir is where the command runs; the default is the sandbox's home,
	// /home/user, and a relative Dir is taken from there.
	Dir string
	// Timeout is the command's, in the sandbox, rounded up to seconds; then
	// its processes are killed and the exit code is 124. A nearer deadline of
	// the context shortens it.
	Timeout time.Duration
	// Raw sends the command as it is, without the bash -lc wrapper, with Dir
	// and Env in the API's own fields.
	Raw bool
}

// ExecResult is what a command printed and how it ended, as POST …/exec answers.
type ExecResult struct {
	Stdout, Stderr string // invalid UTF-8 comes as U+FFFD
	ExitCode       int    // 128+n after signal n, 124 after the timeout, 127 when not found
}

// OK reports whether the exit code is 0.
func (r *ExecResult) OK() bool { return r != nil && r.ExitCode == 0 }

// Err is nil when the exit code is 0, else an [*ExitError].
func (r *ExecResult) Err() error {
	if r == nil {
		return invalid("exec", "there is no result")
	}
	if r.ExitCode == 0 {
		return nil
	}
	return &ExitError{Result: r}
}

// RunOptions say how code runs. The zero value is at most 30 seconds.
type RunOptions struct {
	Timeout time.Duration // of the code, in the sandbox, rounded up to seconds
}

// Exec runs a command with bash and waits for it (POST …/exec). A non-zero
// exit code is a result, not an error; see [ExecResult.Err].
//
// A command is never run twice. When it was sent and its answer was lost, the
// error Is [ErrOutcomeUnknown]. When ctx ends while the command runs, the
// error also Is the context's, and the local Sandflare kills the command.
func (s *Sandbox) Exec(ctx context.Context, command string, opts *ExecOptions) (*ExecResult, error) {
	const verb = "exec in"
	if err := s.ready(ctx, verb); err != nil {
		return nil, err
	}
	cmd, err := newCommand(s.op(verb), command, opts, execTimeout)
	if err != nil {
		return nil, err
	}
	req, err := s.execRequest(ctx, cmd)
	if err != nil {
		s.withdraw(ctx, cmd)
		return nil, err
	}
	result, err := s.result(ctx, verb, req)
	if err != nil {
		s.withdraw(ctx, cmd)
	}
	return result, err
}

// RunPython runs Python code in a new interpreter (POST …/run/python). The
// error says so when the sandbox has no python3.
func (s *Sandbox) RunPython(ctx context.Context, code string, opts *RunOptions) (*ExecResult, error) {
	return s.run(ctx, "run Python in", wire.RunPython, code, opts)
}

// RunNode runs JavaScript code in a new Node.js (POST …/run/node). The error
// says so when the sandbox has no node.
func (s *Sandbox) RunNode(ctx context.Context, code string, opts *RunOptions) (*ExecResult, error) {
	return s.run(ctx, "run Node.js in", wire.RunNode, code, opts)
}

func (s *Sandbox) run(ctx context.Context, verb string, route wire.Route, code string, opts *RunOptions) (*ExecResult, error) {
	if err := s.ready(ctx, verb); err != nil {
		return nil, err
	}
	timeout, err := s.codeTimeout(verb, code, opts, execTimeout)
	if err != nil {
		return nil, err
	}
	body := wire.Run{Code: code, Timeout: secondsWithin(ctx, timeout)}
	return s.result(ctx, verb, transport.Request{
		Route: route, Body: jsonBody(body), Timeout: timeout + grace, Limit: maxOutput, Secrets: secrets(code)})
}

// codeTimeout checks code and its options.
func (s *Sandbox) codeTimeout(verb, code string, opts *RunOptions, timeout time.Duration) (time.Duration, error) {
	if opts == nil {
		opts = &RunOptions{}
	}
	if code == "" {
		return 0, invalid(s.op(verb), "the code is empty")
	}
	if err := checkText(s.op(verb), "code", code); err != nil {
		return 0, err
	}
	return cmp.Or(opts.Timeout, timeout), checkDuration(s.op(verb), "Timeout", opts.Timeout)
}

// result makes a call that answers with a command's result.
func (s *Sandbox) result(ctx context.Context, verb string, req transport.Request) (*ExecResult, error) {
	var result ExecResult
	err := s.send(ctx, verb, req, func(body []byte) error {
		var answer wire.ExecResult
		if err := into(&answer)(body); err != nil {
			return err
		}
		code, err := exitCode(answer)
		result = ExecResult{Stdout: answer.Stdout, Stderr: answer.Stderr, ExitCode: code}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &result, nil
}

// exitCode is exit_code, else what ok says.
func exitCode(answer wire.ExecResult) (int, error) {
	switch {
	case answer.ExitCode != nil:
		return *answer.ExitCode, nil
	case answer.OK == nil:
		return -1, errors.New("it has no exit_code")
	case *answer.OK:
		return 0, nil
	default:
		return 1, nil
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
