package transport

import (
	"io"
	"sync"
)

const aheadSize = 128 << 10

// An ahead reads, on a goroutine of its own, what can be read only once, such as
// a terminal: such a Read cannot be ended, so that a cancelled call must not
// wait for it. While one buffer is being sent the next one fills.
type ahead struct {
	filled chan chunk
	free   chan []byte
	closed chan struct{}
	once   sync.Once

	current chunk
	whole   []byte // the buffer of current
}

// A chunk is what one Read of the source gave.
type chunk struct {
	data []byte
	err  error
}

func newAhead() *ahead {
	a := &ahead{filled: make(chan chunk), free: make(chan []byte, 2), closed: make(chan struct{})}
	a.free <- make([]byte, aheadSize)
	a.free <- make([]byte, aheadSize)
	return a
}

// pump reads the source to its end. Its errors are marked as the caller's.
func (a *ahead) pump(open func() (io.Reader, error)) {
	source, err := open()
	if err != nil {
		a.give(chunk{err: callerError{err}})
		return
	}
	for more := true; more; {
		select {
		case buf := <-a.free:
			n, err := source.Read(buf)
			if err != nil && err != io.EOF {
				err = callerError{err}
			}
			more = a.give(chunk{buf[:n], err}) && err == nil
		case <-a.closed:
			return
		}
	}
}

func (a *ahead) give(c chunk) (taken bool) {
	select {
	case a.filled <- c:
		return true
	case <-a.closed:
		return false
	}
}

// Read takes what is there, and waits when there is nothing.
func (a *ahead) Read(p []byte) (int, error) {
	for len(a.current.data) == 0 {
		if a.current.err != nil {
			return 0, a.current.err
		}
		if !a.next() {
			return 0, io.ErrClosedPipe
		}
	}
	n := copy(p, a.current.data)
	a.current.data = a.current.data[n:]
	return n, nil
}

// next gives the buffer back that was sent, and takes the one that was filled.
func (a *ahead) next() bool {
	if a.whole != nil {
		a.free <- a.whole
	}
	select {
	case a.current = <-a.filled:
		a.whole = a.current.data[:cap(a.current.data)]
		return true
	case <-a.closed:
		return false
	}
}

// Close ends Read, and pump as soon as its source lets it.
func (a *ahead) Close() error {
	a.once.Do(func() { close(a.closed) })
	return nil
}
