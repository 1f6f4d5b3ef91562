//go:build linux || darwin

package guest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const marker = "sandflare-guest" // argv[0] by which a started copy knows that it is a guest

// Guest is one running sandbox. Safe for concurrent use.
type Guest struct {
	tier    Tier
	mark    uint64
	control *conn
	process *os.Process
	stderr  *os.File // what a crashing guest says
	closing sync.Once
	closed  atomic.Bool
	done    chan struct{}
	words   string // why it ended by itself; set before done is closed
}

// Start returns once commands can run.
func Start(ctx context.Context, spec Spec) (*Guest, error) {
	if err := spec.check(); err != nil {
		return nil, err
	}
	if err := prepareShared(spec); err != nil {
		return nil, fmt.Errorf("guest: prepare %s: %w", spec.Shared, err)
	}
	attr, ids := processAttr(spec.Tier)
	g, err := launch(spec.Tier, attr)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { g.process.Kill() })
	defer stop()
	request := newStartRequest(spec, ids)
	request.Mark = g.mark
	if _, _, err := g.call(request.encode()); err != nil {
		g.Close()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if f := (*failure)(nil); errors.As(err, &f) && f.path != "" {
			err = &fs.PathError{Op: opMount, Path: f.path, Err: f.errno}
		}
		return nil, fmt.Errorf("guest: start %s: %w", spec.Name, err)
	}
	return g, nil
}

func (s Spec) check() error {
	if s.Tier != Namespace && s.Tier != ProcessTier {
		return fmt.Errorf("guest: no tier %q", s.Tier)
	}
	if !path.IsAbs(s.Dir) || !path.IsAbs(s.Shared) {
		return errors.New("guest: Dir and Shared must be absolute")
	}
	for _, dir := range []string{s.Dir, s.Shared} {
		if info, err := os.Stat(dir); err != nil {
			return fmt.Errorf("guest: %w", err)
		} else if !info.IsDir() {
			return fmt.Errorf("guest: %s: %w", dir, syscall.ENOTDIR)
		}
	}
	for at, folder := range s.Volumes {
		if err := checkVolume(s.Tier, at); err != nil {
			return err
		}
		if info, err := os.Stat(folder); err != nil || !info.IsDir() {
			return fmt.Errorf("guest: volume for %s: no folder %s", at, folder)
		}
	}
	return nil
}

func checkVolume(tier Tier, at string) error {
	if !path.IsAbs(at) || path.Clean(at) != at || strings.ContainsRune(at, 0) {
		return fmt.Errorf("guest: mount path %q: want an absolute, plain path", at)
	}
	if at == "/" || at == "/tmp" || at == "/home" || at == home {
		return fmt.Errorf("guest: mount path %s: choose a folder below it", at)
	}
	for _, taken := range []string{"/proc", "/dev", "/sys", "/etc"} {
		if at == taken || strings.HasPrefix(at, taken+"/") {
			return fmt.Errorf("guest: mount path %s: belongs to the system", at)
		}
	}
	if tier == ProcessTier && !strings.HasPrefix(at, home+"/") && !strings.HasPrefix(at, "/tmp/") {
		return fmt.Errorf("guest: mount path %s: the process tier has volumes below %s and /tmp only", at, home)
	}
	return nil
}

// launch starts the guest process; it waits for its first request.
func launch(tier Tier, attr *syscall.SysProcAttr) (*Guest, error) {
	ours, theirs, err := socketpair()
	if err != nil {
		return nil, fmt.Errorf("guest: socketpair: %w", err)
	}
	g := &Guest{tier: tier, mark: newMark(), control: newConn(ours), done: make(chan struct{})}
	socket := os.NewFile(uintptr(theirs), "control")
	defer socket.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		g.control.Close()
		return nil, fmt.Errorf("guest: %w", err)
	}
	defer null.Close()
	var words *os.File
	if g.stderr, words, err = stderrPipe(); err != nil {
		g.control.Close()
		return nil, fmt.Errorf("guest: %w", err)
	}
	defer words.Close()
	g.process, err = os.StartProcess(executable(), []string{marker}, &os.ProcAttr{
		Dir: "/", Env: guestEnv, Files: []*os.File{null, null, words, socket}, Sys: attr})
	if err != nil {
		g.control.Close()
		g.stderr.Close()
		return nil, fmt.Errorf("guest: start %s tier: %w", tier, err)
	}
	go g.watch()
	return g, nil
}

// guestEnv keeps the guest small and its runtime's hands off our descriptors (cgroup files), and lets race builds end at once.
var guestEnv = []string{"GORACE=atexit_sleep_ms=0", "GOMAXPROCS=2", "GOGC=25", "GODEBUG=containermaxprocs=0,updatemaxprocs=0"}

func stderrPipe() (r, w *os.File, err error) {
	a, b, err := pipe()
	if err != nil {
		return nil, nil, err
	}
	syscall.SetNonblock(a, true)
	return os.NewFile(uintptr(a), "stderr"), os.NewFile(uintptr(b), "stderr"), nil
}

// watch waits for the end of the control socket, which is the guest's end. No thread is spent on it.
func (g *Guest) watch() {
	g.control.f.Read(make([]byte, 1))
	state, _ := g.process.Wait()
	g.control.Close()
	if !g.closed.Load() {
		g.words = fmt.Sprintf(" (%v)%s", state, g.lastWords())
	}
	g.stderr.Close()
	if g.tier == ProcessTier {
		sweep(g.mark)
	}
	close(g.done)
}

// lastWords is what the guest wrote before it crashed, for an error's text.
func (g *Guest) lastWords() string {
	g.stderr.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	text, _ := io.ReadAll(io.LimitReader(g.stderr, 4096))
	if len(text) == 0 {
		return ""
	}
	return ": " + strings.TrimSpace(string(text))
}

// Close ends every process of the sandbox and waits until none is left. Idempotent.
func (g *Guest) Close() error {
	g.closing.Do(func() {
		g.closed.Store(true)
		if g.tier == Namespace {
			g.process.Kill() // the kernel takes everything in the pid namespace along
		}
		g.control.hangUp()
		select {
		case <-g.done:
		case <-time.After(15 * time.Second):
			g.process.Kill()
		}
	})
	<-g.done
	return nil
}

// Done is closed when the guest has ended, by Close or otherwise.
func (g *Guest) Done() <-chan struct{} { return g.done }

// begin opens a conversation with a request; the guest gets the given descriptors.
func (g *Guest) begin(frame []byte, fds ...int) (*conn, error) {
	ours, theirs, err := socketpair()
	if err != nil {
		return nil, fmt.Errorf("guest: socketpair: %w", err)
	}
	defer syscall.Close(theirs)
	c := newConn(ours)
	const buffered = 32 << 10 // surely fits into the socket, so that the guest finds it at once
	if len(frame) <= buffered {
		err = c.send(frame)
	}
	if err == nil {
		err = g.control.send([]byte{0}, append([]int{theirs}, fds...)...)
	}
	if err == nil && len(frame) > buffered {
		err = c.send(frame)
	}
	if err != nil {
		c.Close()
		return nil, g.ended(err)
	}
	return c, nil
}

// call is a conversation of one request and one answer.
func (g *Guest) call(frame []byte, fds ...int) (*decoder, []int, error) {
	c, err := g.begin(frame, fds...)
	if err != nil {
		return nil, nil, err
	}
	defer c.Close()
	return g.answer(c)
}

// answer takes one answer of a conversation.
func (g *Guest) answer(c *conn) (*decoder, []int, error) {
	d, fds, err := c.receive()
	if err != nil {
		return nil, nil, g.ended(err)
	}
	if err := replyError(d); err != nil {
		closeAll(fds)
		return nil, nil, err
	}
	return d, fds, nil
}

// ended translates what a socket says when the guest is gone, and why it is.
func (g *Guest) ended(err error) error {
	for _, known := range []error{io.EOF, io.ErrUnexpectedEOF, os.ErrClosed, syscall.EPIPE, syscall.ECONNRESET} {
		if !errors.Is(err, known) {
			continue
		}
		select {
		case <-g.done:
			return fmt.Errorf("%w%s", ErrEnded, g.words)
		case <-time.After(time.Second): // it lives, but hung up on us
			return ErrEnded
		}
	}
	return err
}
