//go:build linux || darwin

package guest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// Process is a started command. Stdout and Stderr must be read; they end when
// the command has ended and what it wrote is drained, even while a background
// child still holds them.
type Process struct {
	PID            int // as seen inside; 0 when it could not be started (see Wait)
	Stdout, Stderr io.ReadCloser

	guest    *Guest
	ctx      context.Context
	conv     *conn
	out, err *output
	done     chan struct{}
	exit     Exit
	failed   error
}

// Exec starts a command in its own process group. When ctx ends, the command's whole tree is killed.
func (g *Guest) Exec(ctx context.Context, cmd Command) (*Process, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(cmd.Args) == 0 {
		return nil, errors.New("guest: exec: no arguments")
	}
	p := &Process{guest: g, ctx: ctx, done: make(chan struct{})}
	var ends []int
	for _, o := range []**output{&p.out, &p.err} {
		r, w, err := pipe()
		if err != nil {
			closeAll(ends)
			p.closeOutputs()
			return nil, fmt.Errorf("guest: exec: %w", err)
		}
		*o, ends = newOutput(r), append(ends, w)
	}
	defer closeAll(ends[:2:2])
	request := execRequest{Args: cmd.Args, Dir: cmd.Dir, Env: cmd.Env, Timeout: cmd.Timeout, Stdin: cmd.Stdin != nil}
	fds := ends
	if cmd.Stdin != nil {
		fds = append(fds, int(cmd.Stdin.Fd()))
	}
	if err := p.start(g, request, fds); err != nil {
		p.closeOutputs()
		return nil, err
	}
	p.Stdout, p.Stderr = p.out, p.err
	return p, nil
}

func (p *Process) start(g *Guest, request execRequest, fds []int) (err error) {
	if p.conv, err = g.begin(request.encode(), fds...); err != nil {
		return err
	}
	stop := context.AfterFunc(p.ctx, p.conv.hangUp)
	d, _, err := p.guest.answer(p.conv)
	if err == nil {
		p.PID = int(d.int())
		err = d.done()
	}
	if err != nil {
		stop()
		p.conv.Close()
		return fmt.Errorf("guest: exec: %w", err)
	}
	go p.watch(stop)
	return nil
}

func (p *Process) closeOutputs() {
	for _, o := range []*output{p.out, p.err} {
		if o != nil {
			o.f.Close()
		}
	}
}

// watch takes the exit as soon as the guest tells it, so that the outputs end without Wait.
func (p *Process) watch(stop func() bool) {
	d, _, err := p.guest.answer(p.conv)
	if err == nil {
		p.exit = Exit{Code: int(d.int()), TimedOut: d.bool()}
		err = d.done()
	}
	killed := Exit{Code: 128 + int(syscall.SIGKILL)}
	if err == nil && p.exit == killed && p.guest.closed.Load() {
		err = ErrEnded // by Close: the guest had the time to tell
	}
	if err != nil {
		p.exit, p.failed = killed, err
	}
	stop()
	p.conv.Close()
	p.out.end()
	p.err.end()
	close(p.done)
}

// Wait waits for the command itself, not for its background children. After a
// cancel it returns once the tree is gone. The error is ErrEnded when the sandbox ended first.
func (p *Process) Wait() (Exit, error) {
	<-p.done
	return p.exit, p.failed
}

// Done is closed when the command has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Signal sends a signal to the command's process group (kernel interrupts).
func (p *Process) Signal(sig os.Signal) error {
	n, ok := sig.(syscall.Signal)
	if !ok || n <= 0 || n > 64 {
		return fmt.Errorf("guest: signal %v: %w", sig, syscall.EINVAL)
	}
	select {
	case <-p.done:
		return os.ErrProcessDone
	default:
	}
	if _, err := p.conv.f.Write([]byte{noteSignal, byte(n)}); err != nil {
		return os.ErrProcessDone
	}
	return nil
}
