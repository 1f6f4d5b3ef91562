package guest

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// place runs inside: every path is the sandbox's own.
func (p *plan) place() error {
	for _, m := range p.mounts {
		if err := m.place(); err != nil {
			return err
		}
	}
	if err := closeProc(); err != nil {
		return err
	}
	for _, path := range p.covers {
		if err := cover(path); err != nil && !errors.Is(err, syscall.ENOENT) {
			return err
		}
	}
	if err := syscall.Unmount(emptyThings, syscall.MNT_DETACH); err != nil {
		return doing("put the covers away", err)
	}
	return os.Remove(emptyThings)
}

func (m placement) place() error {
	if m.link != "" {
		err := os.Symlink(m.link, m.target)
		if errors.Is(err, syscall.EEXIST) {
			err = nil
		}
		return doing("link "+m.target, err)
	}
	fd, err := m.open()
	if err == nil {
		defer syscall.Close(fd)
		err = m.mount.moveTo(fd, m.target)
	}
	if errno := syscall.EIO; err != nil && m.volume && errors.As(err, &errno) {
		return &fs.PathError{Op: opMount, Path: m.target, Err: errno}
	}
	return err
}

// open opens the target, which is made when it is missing.
func (m placement) open() (fd int, err error) {
	if m.file {
		fd, err = syscall.Open(m.target, syscall.O_CREAT|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0o644)
	} else {
		fd, err = folderInside(m.target)
	}
	return fd, doing("make "+m.target, err)
}

// folderInside opens a folder of the sandbox, making what is missing on the way.
// A restored tree may hold any links; none is followed through a descriptor.
func folderInside(path string) (int, error) {
	at, err := openPlain("/", oPath|syscall.O_DIRECTORY|syscall.O_CLOEXEC)
	for name := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		if err != nil {
			break
		}
		var next int
		next, err = stepInside(at, name)
		syscall.Close(at)
		at = next
	}
	return at, err
}

func stepInside(at int, name string) (int, error) {
	const flags = oPath | syscall.O_DIRECTORY | syscall.O_CLOEXEC
	fd, err := openPlainAt(at, name, flags)
	if err != syscall.ENOENT {
		return fd, err
	}
	if err := syscall.Mkdirat(at, name, 0o755); err == syscall.EEXIST { // a link that leads nowhere
		return -1, syscall.ENOTDIR
	} else if err != nil {
		return -1, err
	}
	return openPlainAt(at, name, flags)
}
