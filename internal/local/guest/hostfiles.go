//go:build linux || darwin

package guest

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// Paths are absolute, or relative to /home/user. Errors are *fs.PathError with
// the path as given and an errno, so that fs.ErrNotExist, fs.ErrPermission,
// syscall.EISDIR and syscall.ENOTDIR are found by errors.Is.

// Open opens a regular file for reading.
func (g *Guest) Open(path string) (*os.File, error) {
	if err := checkPath("open", path); err != nil {
		return nil, err
	}
	_, fds, err := g.call(encodePath(opOpen, path))
	if err != nil {
		return nil, pathError("open", path, err)
	}
	return takeFile("open", path, fds)
}

func takeFile(op, path string, fds []int) (*os.File, error) {
	if len(fds) != 1 {
		closeAll(fds)
		return nil, pathError(op, path, errMalformed)
	}
	return os.NewFile(uintptr(fds[0]), path), nil
}

// Upload is a file being written.
type Upload struct {
	File *os.File

	guest *Guest
	path  string
	conv  *conn
}

// Create opens a temporary file beside path, making missing folders. Commit
// puts it in path's place, Abort removes it. An existing file keeps its mode;
// a symbolic link stays and what it leads to is written.
func (g *Guest) Create(path string) (*Upload, error) {
	if err := checkPath("create", path); err != nil {
		return nil, err
	}
	c, err := g.begin(encodePath(opCreate, path))
	if err != nil {
		return nil, pathError("create", path, err)
	}
	_, fds, err := g.answer(c)
	if err != nil {
		c.Close()
		return nil, pathError("create", path, err)
	}
	f, err := takeFile("create", path, fds)
	if err != nil {
		c.Close()
		return nil, err
	}
	return &Upload{File: f, guest: g, path: path, conv: c}, nil
}

// Commit closes File and puts it in its place.
func (u *Upload) Commit() error {
	if err := u.File.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		u.Abort()
		return err
	}
	defer u.conv.Close()
	_, err := u.conv.f.Write([]byte{noteCommit})
	if err == nil {
		_, _, err = u.guest.answer(u.conv)
	}
	if err != nil {
		return pathError("create", u.path, u.guest.ended(err))
	}
	return nil
}

// Abort closes File and removes it. After Commit it does nothing.
func (u *Upload) Abort() error {
	u.File.Close()
	u.conv.hangUp()
	u.guest.answer(u.conv) // the file is gone before we return
	u.conv.Close()
	return nil
}

// ReadDir lists a folder, sorted by name.
func (g *Guest) ReadDir(path string) ([]Entry, error) {
	if err := checkPath("readdir", path); err != nil {
		return nil, err
	}
	d, _, err := g.call(encodePath(opReadDir, path))
	if err != nil {
		return nil, pathError("readdir", path, err)
	}
	list := decodeEntries(d)
	return list, d.done()
}

func checkPath(op, path string) error {
	if path == "" || strings.ContainsRune(path, 0) {
		return &fs.PathError{Op: op, Path: path, Err: syscall.EINVAL}
	}
	return nil
}

func pathError(op, path string, err error) error {
	var f *failure
	if errors.As(err, &f) {
		err = f.errno
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}

// Pause stops every process until none runs; Resume lets them go on.
func (g *Guest) Pause() error { return g.simple(opPause) }

// Resume lets the stopped processes go on, except those that were stopped before Pause.
func (g *Guest) Resume() error { return g.simple(opResume) }

func (g *Guest) simple(op uint64) error {
	_, _, err := g.call(newEncoder().uint(op).frame())
	return err
}

// Processes lists the sandbox's processes, without the guest itself.
func (g *Guest) Processes() ([]ProcessInfo, error) {
	d, _, err := g.call(newEncoder().uint(opProcesses).frame())
	if err != nil {
		return nil, err
	}
	list := decodeProcesses(d)
	return list, d.done()
}

// Kill sends SIGKILL; syscall.ESRCH when there is no such process.
func (g *Guest) Kill(pid int) error {
	_, _, err := g.call(newEncoder().uint(opKill).int(int64(pid)).frame())
	return err
}

// KillAll ends every process of the sandbox but the guest and waits until none is left.
func (g *Guest) KillAll() error { return g.simple(opKillAll) }

// Usage is what the sandbox's own files take, in bytes.
func (g *Guest) Usage() (int64, error) {
	d, _, err := g.call(newEncoder().uint(opUsage).frame())
	if err != nil {
		return 0, err
	}
	n := d.int()
	return n, d.done()
}

// Save copies the sandbox's files as they are now into dir (made by the caller, empty), for Spec.From of others.
// Processes stand still meanwhile.
func (g *Guest) Save(ctx context.Context, dir string) error {
	target, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer target.Close()
	c, err := g.begin(newEncoder().uint(opSave).frame(), int(target.Fd()))
	if err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, c.hangUp)()
	_, _, err = g.answer(c)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
