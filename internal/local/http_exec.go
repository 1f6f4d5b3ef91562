package local

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sandflare/sandflare-go/internal/local/guest"
	"github.com/sandflare/sandflare-go/internal/wire"
)

// What a command is given when the caller names no timeout.
const (
	execTimeout    = 30 * time.Second
	streamTimeout  = 300 * time.Second
	kernelTimeout  = 60 * time.Second
	cloneTimeout   = 300 * time.Second
	installTimeout = 200 * time.Second
	maxTimeout     = 7 * 24 * time.Hour
)

func (s *Server) execRoutes() {
	s.onBox(wire.Exec, s.exec)
	s.onBox(wire.ExecStream, s.execStream)
	s.onBox(wire.RunPython, s.runProgram("python3", "-"))
	s.onBox(wire.RunNode, s.runProgram("node", "-"))
	s.onBox(wire.RunCode, s.runKernel)
	s.onBox(wire.Install, s.install)
	s.onBox(wire.GitClone, s.gitClone)
}

func (s *Server) exec(w http.ResponseWriter, r *http.Request, sb *sandbox) error {
	var body wire.ExecRequest
	if err := decode(r, &body); err != nil {
		return err
	}
	body.Cwd = cmp.Or(body.Cwd, sb.workdir)
	cmd, err := s.command(body, execTimeout)
	if err != nil {
		return err
	}
	sb.logs.command(logText(body.Cmd))
	res, err := sb.run(r.Context(), cmd)
	if err != nil {
		return gone(r.Context(), err)
	}
	return reply(w, res.wire())
}

func (s *Server) execStream(w http.ResponseWriter, r *http.Request, sb *sandbox) error {
	query := r.URL.Query()
	timeout, err := strconv.ParseFloat(cmp.Or(query.Get("timeout"), "0"), 64)
	if err != nil {
		return badRequest("timeout is no number of seconds")
	}
	cmd, err := s.command(wire.ExecRequest{Cmd: query.Get("cmd"), Cwd: query.Get("cwd")}, streamTimeout)
	if err == nil {
		cmd.Timeout, err = seconds(timeout, streamTimeout)
	}
	if err != nil {
		return err
	}
	return s.stream(w, r, sb, cmd, query.Get("cmd"))
}

// stream begins the answer when the command has begun, so that what prevents
// it is an answer of its own.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, sb *sandbox, cmd guest.Command, text string) error {
	var events *eventStream
	begin := func() (err error) {
		if events == nil {
			events, err = newEventStream(w)
		}
		return err
	}
	sb.logs.command(logText(text))
	exit, err := sb.follow(r.Context(), cmd, func(out output) error {
		if err := begin(); err != nil {
			return err
		}
		for _, text := range out.lines {
			if err := events.sendLine(out.stream, text); err != nil {
				return err
			}
		}
		return nil
	}, func() error {
		if err := begin(); err != nil {
			return err
		}
		return events.flush()
	})
	if err == nil {
		err = begin()
	}
	if err != nil {
		return gone(r.Context(), err)
	}
	if err := events.send("done", map[string]any{"exit_code": exit.Code, "ok": exit.Code == 0}); err != nil {
		return err
	}
	return events.flush()
}

// runProgram answers a call that runs code in an interpreter.
func (s *Server) runProgram(args ...string) boxHandler {
	return func(w http.ResponseWriter, r *http.Request, sb *sandbox) error {
		var body wire.Run
		if err := decode(r, &body); err != nil {
			return err
		}
		timeout, err := seconds(float64(body.Timeout), execTimeout)
		if err != nil {
			return err
		}
		sb.logs.command(args[0] + "\n" + body.Code)
		res, err := sb.runCode(r.Context(), guest.Command{Args: args, Timeout: timeout}, body.Code)
		if err != nil {
			return gone(r.Context(), err)
		}
		return reply(w, res.wire())
	}
}

func (s *Server) runKernel(w http.ResponseWriter, r *http.Request, sb *sandbox) error {
	var body wire.RunKernel
	if err := decode(r, &body); err != nil {
		return err
	}
	timeout, err := seconds(float64(body.Timeout), kernelTimeout)
	if err != nil {
		return err
	}
	sb.logs.command("python3 (kernel)\n" + body.Code)
	res, err := sb.runCell(r.Context(), s.engine.ctx, cmp.Or(body.ContextID, "default"), body.Code, timeout)
	if err != nil {
		return gone(r.Context(), err)
	}
	sb.logs.text(res.Stdout + res.Stderr + res.Error)
	ok := res.Error == ""
	res.OK = &ok
	return reply(w, res)
}

func (s *Server) install(w http.ResponseWriter, r *http.Request, sb *sandbox) error {
	var body wire.InstallPackage
	if err := decode(r, &body); err != nil {
		return err
	}
	res, err := sb.install(r.Context(), s.support.Tier, body.Runtime, body.Pkg)
	if err != nil {
		return gone(r.Context(), err)
	}
	return reply(w, res.wire())
}

func (s *Server) gitClone(w http.ResponseWriter, r *http.Request, sb *sandbox) error {
	var body wire.Clone
	if err := decode(r, &body); err != nil {
		return err
	}
	res, err := sb.gitClone(r.Context(), body)
	if err != nil {
		return gone(r.Context(), err)
	}
	return reply(w, res)
}

// command is what the guest is to run for a request.
func (s *Server) command(req wire.ExecRequest, timeout time.Duration) (guest.Command, error) {
	switch {
	case strings.TrimSpace(req.Cmd) == "":
		return guest.Command{}, badRequest("cmd is missing")
	case strings.ContainsRune(req.Cmd+req.Cwd, 0):
		return guest.Command{}, badRequest("cmd or cwd holds a NUL byte")
	}
	if err := checkEnv(req.Env); err != nil {
		return guest.Command{}, err
	}
	limit, err := seconds(float64(req.Timeout), timeout)
	return guest.Command{
		Args: shellArgs(s.engine.shell, req.Cmd), Dir: req.Cwd,
		Env: environ(req.Env), Timeout: limit,
	}, err
}

// seconds is a timeout as sent; 0 is the default.
func seconds(n float64, preset time.Duration) (time.Duration, error) {
	switch {
	case n == 0:
		return preset, nil
	case n > 0 && n <= maxTimeout.Seconds():
		return time.Duration(n * float64(time.Second)), nil
	}
	return 0, badRequest("timeout is %v: use seconds above 0 and up to %v", n, maxTimeout.Seconds())
}

// gone turns the end of the call's context into the one error for it.
func gone(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Canceled
	}
	return err
}

func (res result) wire() wire.ExecResult {
	code, ok := res.exit.Code, res.exit.Code == 0
	return wire.ExecResult{Stdout: res.stdout, Stderr: res.stderr, ExitCode: &code, OK: &ok}
}
