//go:build linux || darwin

package guest

import (
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// output reads a command's pipe. It ends with the pipe, or with the command:
// then what is in the pipe at that moment is still delivered and no more, for
// a background child may hold the other end for ever.
type output struct {
	f     *os.File
	ended atomic.Bool

	mu       sync.Mutex // after the end
	counted  bool
	left     int
	finished bool
}

func newOutput(fd int) *output {
	syscall.SetNonblock(fd, true)
	return &output{f: os.NewFile(uintptr(fd), "output")}
}

// end is called when the command has ended: it wakes a reader.
func (o *output) end() {
	o.ended.Store(true)
	o.f.SetReadDeadline(time.Unix(1, 0))
}

func (o *output) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if !o.ended.Load() {
		n, err := o.f.Read(p)
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
	}
	return o.drain(p)
}

func (o *output) drain(p []byte) (n int, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.finished {
		return 0, io.EOF
	}
	c := conn{o.f}
	err = c.control(func(fd int) (err error) {
		if !o.counted {
			o.left, o.counted = pending(fd), true
		}
		n, err = syscall.Read(fd, p[:max(1, min(len(p), o.left))])
		return err
	})
	if o.left > 0 && err == nil && n > 0 {
		o.left -= n
		return n, nil
	}
	o.finish(err == syscall.EAGAIN || n > 0)
	return 0, io.EOF
}

// finish lets go of the pipe. Background children that hold it may go on
// writing: what they write is thrown away rather than killing them with SIGPIPE.
func (o *output) finish(held bool) {
	o.finished = true
	if !held {
		o.f.Close()
		return
	}
	o.f.SetReadDeadline(time.Time{})
	go func() {
		io.Copy(io.Discard, o.f)
		o.f.Close()
	}()
}

// Close stops reading. Before the command's end its next write fails.
func (o *output) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.finished && o.ended.Load() {
		o.finish(true)
	}
	if !o.finished {
		return o.f.Close()
	}
	return nil
}
