//go:build linux || darwin

package guest

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"syscall"
)

// conn is one end of a conversation: frames both ways, descriptors beside them.
type conn struct{ f *os.File }

func newConn(fd int) *conn {
	syscall.SetNonblock(fd, true) // lets the runtime's poller wait instead of a thread
	return &conn{os.NewFile(uintptr(fd), "guest")}
}

func (c *conn) Close() error { return c.f.Close() }

// hangUp tells the other end that nothing more comes; answers can still be read.
func (c *conn) hangUp() {
	c.control(func(fd int) error { return syscall.Shutdown(fd, syscall.SHUT_WR) })
}

func (c *conn) control(do func(fd int) error) error {
	raw, err := c.f.SyscallConn()
	if err != nil {
		return err
	}
	inner := raw.Control(func(fd uintptr) { err = do(int(fd)) })
	if inner != nil {
		return inner
	}
	return err
}

// send writes a frame; descriptors travel with its first byte.
func (c *conn) send(frame []byte, fds ...int) error {
	if len(fds) > 0 {
		n, err := c.sendFirst(frame, fds)
		if err != nil {
			return err
		}
		frame = frame[n:]
	}
	if len(frame) == 0 {
		return nil
	}
	_, err := c.f.Write(frame)
	return err
}

func (c *conn) sendFirst(frame []byte, fds []int) (n int, err error) {
	raw, err := c.f.SyscallConn()
	if err != nil {
		return 0, err
	}
	inner := raw.Write(func(fd uintptr) bool {
		n, err = syscall.SendmsgN(int(fd), frame, syscall.UnixRights(fds...), nil, 0)
		return err != syscall.EAGAIN
	})
	if inner != nil {
		return 0, os.ErrClosed
	}
	return n, err
}

// receive reads one frame and the descriptors that came with it.
func (c *conn) receive() (*decoder, []int, error) {
	var header [4]byte
	n, fds, err := c.receiveFirst(header[:])
	if err == nil && n < len(header) {
		_, err = io.ReadFull(c.f, header[n:])
	}
	if err != nil {
		closeAll(fds)
		return nil, nil, err
	}
	size := binary.LittleEndian.Uint32(header[:])
	if size > maxFrame {
		closeAll(fds)
		return nil, nil, fmt.Errorf("guest: a message of %d bytes: %w", size, errMalformed)
	}
	body, err := readBody(c.f, int(size))
	if err != nil {
		closeAll(fds)
		return nil, nil, err
	}
	return &decoder{b: body}, fds, nil
}

// readBody takes what is announced, but allocates only as it arrives.
func readBody(r io.Reader, size int) ([]byte, error) {
	const step = 1 << 20
	body := make([]byte, min(size, step))
	for have := 0; ; {
		n, err := io.ReadFull(r, body[have:])
		have += n
		if err != nil && have < size {
			return nil, io.ErrUnexpectedEOF
		}
		if have == size {
			return body, nil
		}
		body = append(body, make([]byte, min(size-have, len(body)))...)
	}
}

func (c *conn) receiveFirst(p []byte) (n int, fds []int, err error) {
	raw, err := c.f.SyscallConn()
	if err != nil {
		return 0, nil, err
	}
	inner := raw.Read(func(fd uintptr) bool {
		n, fds, err = receiveRights(int(fd), p)
		return err != syscall.EAGAIN
	})
	if inner != nil {
		return 0, nil, os.ErrClosed
	}
	return n, fds, err
}

// receiveRights reads some bytes and the descriptors beside them; io.EOF at the end.
func receiveRights(fd int, p []byte) (int, []int, error) {
	var oob [64]byte
	n, oobn, _, _, err := syscall.Recvmsg(fd, p, oob[:], recvFlags)
	if err == syscall.EINTR {
		return receiveRights(fd, p)
	}
	if err != nil {
		return 0, nil, err
	}
	fds, err := parseRights(oob[:oobn])
	if n == 0 && err == nil {
		closeAll(fds)
		return 0, nil, io.EOF
	}
	return n, fds, err
}

func parseRights(oob []byte) (fds []int, err error) {
	messages, err := syscall.ParseSocketControlMessage(oob)
	for _, m := range messages {
		got, err := syscall.ParseUnixRights(&m)
		if err != nil {
			continue // not descriptors: nothing to own
		}
		fds = append(fds, got...)
	}
	for _, fd := range fds {
		syscall.CloseOnExec(fd)
	}
	return fds, err
}

func closeAll(fds []int) {
	for _, fd := range fds {
		syscall.Close(fd)
	}
}
