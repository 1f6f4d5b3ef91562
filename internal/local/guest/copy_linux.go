package guest

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

func reflink(in, out *os.File) error {
	const ficlone = 0x40049409
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, out.Fd(), ficlone, in.Fd()); errno != 0 {
		return errno
	}
	return nil
}

// dataAt finds the next stretch of data at or after at: [start, end).
func dataAt(f *os.File, at, size int64) (start, end int64) {
	const seekData, seekHole = 3, 4
	start, err := f.Seek(at, seekData)
	if errors.Is(err, syscall.ENXIO) { // only a hole is left
		return size, size
	}
	if err != nil {
		return at, size
	}
	if end, err = f.Seek(start, seekHole); err != nil {
		end = size
	}
	return start, min(end, size)
}

// copyXattrs copies what it may: user.* always, the rest where it can be set.
func copyXattrs(from, to string) error {
	list, err := xattr(func(p []byte) (int, error) { return syscall.Listxattr(from, p) })
	if err != nil {
		return nil // the file system has none
	}
	for _, name := range bytes.Split(list, []byte{0}) {
		if len(name) == 0 {
			continue
		}
		key := string(name)
		value, err := xattr(func(p []byte) (int, error) { return syscall.Getxattr(from, key, p) })
		if err == nil {
			err = syscall.Setxattr(to, key, value, 0)
		}
		if err != nil && strings.HasPrefix(key, "user.") {
			return &fs.PathError{Op: "setxattr", Path: to, Err: err}
		}
	}
	return nil
}

// xattr asks for the size first; nothing changes meanwhile, all processes stand still.
func xattr(get func([]byte) (int, error)) ([]byte, error) {
	n, err := get(nil)
	if err != nil || n == 0 {
		return nil, err
	}
	p := make([]byte, n)
	n, err = get(p)
	if err != nil {
		return nil, err
	}
	return p[:n], nil
}
