//go:build linux || darwin

package guest

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
)

const maxLinks = 40 // as the kernel's own limit

// openAt opens for the host. Magic links (/proc/self/fd/5) are refused: they
// would lead through the guest's own descriptors out of the sandbox.
func (s *server) openAt(name string, flags int) (*os.File, error) {
	fd, err := openPlain(s.path(name), flags|syscall.O_CLOEXEC|syscall.O_NONBLOCK)
	if err != nil {
		return nil, err
	}
	syscall.SetNonblock(fd, false)
	return os.NewFile(uintptr(fd), s.path(name)), nil
}

func (s *server) answerOpen(c *conn, d *decoder) {
	f, err := s.openRegular(d.string())
	if err != nil {
		c.send(newReply(err).frame())
		return
	}
	defer f.Close()
	c.send(newReply(nil).frame(), int(f.Fd()))
}

func (s *server) openRegular(name string) (*os.File, error) {
	f, err := s.openAt(name, syscall.O_RDONLY)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case info.IsDir():
		err = syscall.EISDIR
	case !info.Mode().IsRegular():
		err = syscall.EINVAL
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// answerCreate keeps the conversation open until the host commits or hangs up.
func (s *server) answerCreate(c *conn, d *decoder) {
	t, err := s.createTemp(d.string())
	if err != nil {
		c.send(newReply(err).frame())
		return
	}
	defer t.close()
	if c.send(newReply(nil).frame(), int(t.file.Fd())) != nil {
		return
	}
	var note [1]byte
	if n, _ := c.f.Read(note[:]); n == 1 && note[0] == noteCommit {
		c.send(newReply(t.commit()).frame())
	}
}

// target is a file being written: a temporary one beside it, or the thing itself when it is no regular file.
type target struct {
	dir  *os.File
	base string
	temp string
	file *os.File
	old  fs.FileInfo
}

func (s *server) createTemp(name string) (*target, error) {
	t, err := s.resolve(name)
	if err != nil {
		return nil, err
	}
	switch {
	case t.old == nil || t.old.Mode().IsRegular():
		t.temp = fmt.Sprintf(".%.100s.%08x", t.base, rand.Uint32())
		t.file, err = os.OpenFile(t.at(t.temp), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	case t.old.IsDir():
		err = syscall.EISDIR
	default: // a device, a pipe
		t.file, err = os.OpenFile(t.at(t.base), os.O_WRONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	}
	if err != nil {
		t.temp = ""
		t.close()
		return nil, err
	}
	return t, nil
}

// resolve finds where a write goes: through symbolic links, making missing folders.
func (s *server) resolve(name string) (*target, error) {
	if strings.HasSuffix(name, "/") {
		return nil, syscall.EISDIR
	}
	for range maxLinks {
		dir, base := path.Split(name)
		if base == "." || base == ".." {
			return nil, syscall.EISDIR
		}
		if dir == "" {
			dir = "."
		}
		folder, err := s.makeFolder(dir, 0)
		if err != nil {
			return nil, err
		}
		t := &target{dir: folder, base: base}
		if t.old, err = os.Lstat(t.at(base)); err != nil && !os.IsNotExist(err) {
			folder.Close()
			return nil, err
		}
		if t.old == nil || t.old.Mode()&fs.ModeSymlink == 0 {
			return t, nil
		}
		link, err := os.Readlink(t.at(base))
		folder.Close()
		if err != nil {
			return nil, err
		}
		if name = link; !strings.HasPrefix(link, "/") {
			name = dir + "/" + link
		}
	}
	return nil, syscall.ELOOP
}

func (s *server) makeFolder(name string, depth int) (*os.File, error) {
	f, err := s.openAt(name, syscall.O_RDONLY|syscall.O_DIRECTORY)
	name = strings.TrimRight(name, "/")
	if err != syscall.ENOENT || name == "" || depth > 4096 {
		return f, err
	}
	up, base := path.Split(name)
	if up == "" {
		up = "."
	}
	parent, err := s.makeFolder(up, depth+1)
	if err != nil {
		return nil, err
	}
	defer parent.Close()
	if err := os.Mkdir(below(parent, base), 0o755); err != nil && !os.IsExist(err) {
		return nil, err
	}
	return s.openAt(name, syscall.O_RDONLY|syscall.O_DIRECTORY)
}

func (t *target) at(base string) string { return below(t.dir, base) }

// commit puts the file in its place. It becomes readable for all, as a shell's > would make it, or keeps what it had.
func (t *target) commit() error {
	if t.temp == "" {
		return nil
	}
	mode, temp := fs.FileMode(0o644), t.at(t.temp)
	if t.old != nil {
		mode = t.old.Mode() & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky)
		if st, ok := t.old.Sys().(*syscall.Stat_t); ok {
			os.Lchown(temp, int(st.Uid), int(st.Gid)) // an owner that cannot be given stays ours
		}
	}
	if err := t.file.Chmod(mode); err != nil {
		return err
	}
	if err := os.Rename(temp, t.at(t.base)); err != nil {
		return err
	}
	t.temp = ""
	return nil
}

func (t *target) close() {
	if t.file != nil {
		t.file.Close()
	}
	if t.temp != "" {
		os.Remove(t.at(t.temp))
	}
	t.dir.Close()
}

func (s *server) readDir(name string) ([]Entry, error) {
	f, err := s.openAt(name, syscall.O_RDONLY|syscall.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	list := make([]Entry, 0, len(names))
	for _, n := range names {
		info, err := os.Lstat(below(f, n))
		if err == nil && info.Mode()&fs.ModeSymlink != 0 {
			if target, err := statBelow(f, n); err == nil {
				info = target
			}
		}
		if err == nil {
			list = append(list, Entry{Name: n, IsDir: info.IsDir(), Size: info.Size(), ModTime: info.ModTime()})
		}
	}
	return list, nil
}
