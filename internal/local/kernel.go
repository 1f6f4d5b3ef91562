package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"sync"
	"time"

	"github.com/sandflare/sandflare-go/internal/local/guest"
	kernelwire "github.com/sandflare/sandflare-go/internal/local/kernel"
	"github.com/sandflare/sandflare-go/internal/wire"
)

// interruptGrace is how long a cell may take to stop after its interrupt.
const interruptGrace = 2 * time.Second

// kernels are the Python processes of a sandbox, one for each context.
type kernels struct {
	mu  sync.Mutex
	all map[string]*kernel
}

func (k *kernels) get(id string) *kernel {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.all == nil {
		k.all = map[string]*kernel{}
	}
	if k.all[id] == nil {
		k.all[id] = &kernel{id: id, turn: make(chan struct{}, 1)}
	}
	return k.all[id]
}

// kernel is one context: its variables live in one Python process, which
// begins with the first cell and again after it ended.
type kernel struct {
	id   string
	turn chan struct{} // holds a token while a cell runs
	live *kernelProcess
}

type kernelProcess struct {
	proc  *guest.Process
	stop  context.CancelFunc
	stdin *os.File
	text  func(string) string // code as the tier wants it
	env   map[string]string   // that it has
	ended chan struct{}       // closed when the process has ended; then the rest is set
	exit  guest.Exit
	lost  error  // ErrEnded: the sandbox ended first
	says  string // on its own stderr

	mu         sync.Mutex
	busy, over bool // a cell reads its answer; the process has ended
}

var errKernelEnded = errors.New("the kernel ended")

// runCell runs code in a context; life bounds the process, ctx this call.
func (sb *sandbox) runCell(ctx, life context.Context, id, code string, timeout time.Duration) (wire.KernelResult, error) {
	k := sb.kernels.get(id)
	select {
	case k.turn <- struct{}{}:
		defer func() { <-k.turn }()
	case <-ctx.Done():
		return wire.KernelResult{}, ctx.Err()
	}
	if err := sb.whileReady(func() error { return nil }); err != nil {
		return wire.KernelResult{}, err
	}
	if err := k.ensure(life, sb); err != nil {
		return wire.KernelResult{}, err
	}
	res, err := k.await(ctx, k.live.ask(code, sb.environment()), timeout)
	if errors.Is(err, errKernelEnded) {
		return k.autopsy(ctx, sb)
	}
	return res, err
}

// ensure starts the process if there is none.
func (k *kernel) ensure(life context.Context, sb *sandbox) error {
	if k.live != nil {
		return nil
	}
	in, stdin, err := os.Pipe()
	if err != nil {
		return err
	}
	defer in.Close()
	ctx, stop := context.WithCancel(life)
	proc, err := sb.begin(ctx, guest.Command{Args: []string{"python3", "-c", kernelwire.Driver}, Stdin: in})
	if err != nil {
		stop()
		return errors.Join(err, stdin.Close())
	}
	k.live = &kernelProcess{proc: proc, stop: stop, stdin: stdin, text: sb.text, env: sb.environment(), ended: make(chan struct{})}
	go k.live.watch()
	return nil
}

// watch keeps the end of what the process itself complains, and its exit.
func (p *kernelProcess) watch() {
	defer close(p.ended)
	var text tail
	_, _ = io.Copy(&text, p.proc.Stderr) // until the process ends
	p.exit, p.lost = p.proc.Wait()
	p.says = string(text.data)
	p.stop()
	p.stdin.Close()
	p.proc.Stderr.Close()
	p.closeStdout(func() { p.over = true })
}

// closeStdout closes the pipe of the answers once the process is over and no
// cell reads from it any more; change is what has changed about that.
func (p *kernelProcess) closeStdout(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
	if p.over && !p.busy {
		p.proc.Stdout.Close()
	}
}

// verdict is what the process says to a cell.
type verdict struct {
	res wire.KernelResult
	err error
}

// ask sends a cell, and before it the environment where that has changed;
// exactly one verdict comes.
func (p *kernelProcess) ask(code string, env map[string]string) <-chan verdict {
	verdicts := make(chan verdict, 1)
	p.mu.Lock()
	p.busy = true
	p.mu.Unlock()
	go func() {
		defer p.closeStdout(func() { p.busy = false })
		var v verdict
		if !maps.Equal(env, p.env) {
			v = p.exchange(updateEnv(env))
			p.env = env
		}
		if v.err == nil {
			v = p.exchange(code)
		}
		verdicts <- v
	}()
	return verdicts
}

func (p *kernelProcess) exchange(code string) (v verdict) {
	if v.err = kernelwire.Encode(p.stdin, p.text(code)); v.err == nil {
		v.res, v.err = kernelwire.Decode(p.proc.Stdout)
	}
	if v.err != nil {
		v.err = errors.Join(errKernelEnded, v.err)
	}
	return v
}

// updateEnv is a line of Python: JSON's texts are Python's, too.
func updateEnv(env map[string]string) string {
	data, _ := json.Marshal(env) // texts never fail
	return "__import__('os').environ.update(" + string(data) + ")"
}

// await takes the answer. A cell that takes too long is interrupted, and one
// that does not heed that ends with its process, as does one whose caller left.
func (k *kernel) await(ctx context.Context, answers <-chan verdict, timeout time.Duration) (wire.KernelResult, error) {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case a := <-answers:
		return a.res, a.err
	case <-ctx.Done():
		k.kill()
		return wire.KernelResult{}, ctx.Err()
	case <-timer.C:
	}
	if a, heeded := k.interrupt(ctx, answers); heeded {
		a.res.Error = fmt.Sprintf("timed out after %v and was interrupted; the variables of context %q are kept\n%s", timeout, k.id, a.res.Error)
		return a.res, a.err
	}
	k.kill()
	return wire.KernelResult{Error: fmt.Sprintf("timed out after %v and did not heed the interrupt: the kernel was killed, the variables of context %q are lost", timeout, k.id)}, ctx.Err()
}

// interrupt asks the cell to stop, again and again: Python loses a signal that
// comes just before it begins to wait.
func (k *kernel) interrupt(ctx context.Context, answers <-chan verdict) (verdict, bool) {
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	grace := time.NewTimer(interruptGrace)
	defer grace.Stop()
	for {
		_ = k.live.proc.Signal(os.Interrupt) // the process may just have ended
		select {
		case a := <-answers:
			return a, true
		case <-ctx.Done():
			return verdict{}, false
		case <-grace.C:
			return verdict{}, false
		case <-again.C:
		}
	}
}

func (k *kernel) kill() {
	k.live.stop()
	<-k.live.ended
	k.live = nil
}

// autopsy tells why the process ended by itself.
func (k *kernel) autopsy(ctx context.Context, sb *sandbox) (wire.KernelResult, error) {
	dead := k.live
	select { // its own exit code is the one to tell
	case <-dead.ended:
	case <-time.After(interruptGrace):
	case <-ctx.Done():
	}
	k.kill()
	if dead.lost != nil {
		return wire.KernelResult{}, dead.lost
	}
	if dead.exit.Code == notInstalled && !sb.has(ctx, "python3") {
		return wire.KernelResult{}, notInstalledHere("python3")
	}
	return wire.KernelResult{Error: fmt.Sprintf("the kernel ended (exit code %d): the variables of context %q are lost\n%s", dead.exit.Code, k.id, dead.says)}, nil
}

// tail keeps the end of what is written to it.
type tail struct{ data []byte }

func (t *tail) Write(p []byte) (int, error) {
	const keep = 8 << 10
	t.data = append(t.data, p...)
	t.data = t.data[max(0, len(t.data)-keep):]
	return len(p), nil
}
