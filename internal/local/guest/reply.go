package guest

import (
	"errors"
	"io/fs"
	"syscall"
)

// failure is an error as it crosses the socket: an errno, so that errors.Is works on the host, and what was being done.
type failure struct {
	errno syscall.Errno
	text  string
	path  string // of a volume that could not be mounted
}

const opMount = "mount" // of an fs.PathError

func (f *failure) Error() string {
	if f.text == "" {
		return f.errno.Error()
	}
	return f.text
}

func (f *failure) Unwrap() error { return f.errno }

// newReply begins an answer: 0 for success, else errno and text.
func newReply(err error) *encoder {
	e := newEncoder()
	if err == nil {
		return e.uint(0)
	}
	errno := syscall.EIO
	errors.As(err, &errno)
	text := ""
	if err != error(errno) {
		text = err.Error()
	}
	path := ""
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) && pe.Op == opMount {
		path = pe.Path
	}
	return e.uint(uint64(errno)).string(text).string(path)
}

// replyError takes the beginning of an answer.
func replyError(d *decoder) error {
	errno := d.uint()
	if d.err != nil || errno == 0 {
		return d.err
	}
	return &failure{errno: syscall.Errno(errno), text: d.string(), path: d.string()}
}
