//go:build linux || darwin

package guest

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
)

var errCancelled = errors.New("cancelled")

// copier copies trees as they are: owners, modes, times, links, extended
// attributes, holes, and the device nodes that overlayfs calls whiteouts.
type copier struct {
	links   map[[2]uint64]string // files with several names → where the first copy is
	cancel  <-chan struct{}      // nil = never
	noClone bool                 // the file systems cannot share blocks
}

func newCopier(cancel <-chan struct{}) *copier {
	return &copier{links: map[[2]uint64]string{}, cancel: cancel}
}

// tree copies the folder from, which may be missing, to the folder to, which may exist.
func (c *copier) tree(from, to string) error {
	info, err := os.Lstat(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return c.folder(from, to, info)
}

func (c *copier) folder(from, to string, info fs.FileInfo) error {
	if err := os.Mkdir(to, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	entries, err := os.ReadDir(from)
	if errors.Is(err, fs.ErrPermission) && os.Chmod(from, 0o700) == nil { // closed by its owner to itself
		defer os.Chmod(from, info.Mode())
		entries, err = os.ReadDir(from)
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := c.entry(from+"/"+e.Name(), to+"/"+e.Name(), e); err != nil {
			return err
		}
	}
	return finish(from, to, info)
}

func (c *copier) entry(from, to string, e fs.DirEntry) error {
	select {
	case <-c.cancel:
		return errCancelled
	default:
	}
	info, err := e.Info()
	if err != nil {
		return err
	}
	st := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() && st.Nlink > 1 {
		key := [2]uint64{uint64(st.Dev), st.Ino}
		if first, ok := c.links[key]; ok {
			return os.Link(first, to)
		}
		c.links[key] = to
	}
	switch {
	case info.IsDir():
		return c.folder(from, to, info)
	case info.Mode().IsRegular():
		return c.file(from, to, info)
	case info.Mode()&fs.ModeSymlink != 0:
		return copySymlink(from, to, st)
	case info.Mode()&fs.ModeSocket != 0:
		return nil // of a process that is not copied
	}
	if err := syscall.Mknod(to, uint32(st.Mode), int(st.Rdev)); err != nil {
		return &fs.PathError{Op: "mknod", Path: to, Err: err}
	}
	os.Lchown(to, int(st.Uid), int(st.Gid))
	return nil
}

func copySymlink(from, to string, st *syscall.Stat_t) error {
	link, err := os.Readlink(from)
	if err != nil {
		return err
	}
	if err := os.Symlink(link, to); err != nil {
		return err
	}
	return os.Lchown(to, int(st.Uid), int(st.Gid))
}

func (c *copier) file(from, to string, info fs.FileInfo) error {
	in, err := openOwn(from, info)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = c.content(in, out, info.Size())
	if e := out.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return finish(from, to, info)
}

// openOwn opens a file, also one that its owner closed to itself.
func openOwn(path string, info fs.FileInfo) (*os.File, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrPermission) && os.Chmod(path, 0o600) == nil {
		defer os.Chmod(path, info.Mode())
		f, err = os.Open(path)
	}
	return f, err
}

// content shares the blocks where the file system can; else it copies what is not a hole.
func (c *copier) content(in, out *os.File, size int64) error {
	if !c.noClone {
		if reflink(in, out) == nil {
			return nil
		}
		c.noClone = true
	}
	for at := int64(0); at < size; {
		start, end := dataAt(in, at, size)
		if start >= size {
			break
		}
		if _, err := in.Seek(start, io.SeekStart); err != nil {
			return err
		}
		if _, err := out.Seek(start, io.SeekStart); err != nil {
			return err
		}
		if _, err := io.CopyN(out, in, end-start); err != nil && err != io.EOF {
			return err
		}
		at = end
	}
	return out.Truncate(size)
}

// finish gives a copy what the original has; the mode after the owner, for a change of owner takes set-user-id away.
func finish(from, to string, info fs.FileInfo) error {
	st := info.Sys().(*syscall.Stat_t)
	if err := os.Lchown(to, int(st.Uid), int(st.Gid)); err != nil && os.Geteuid() == 0 {
		return err
	}
	if err := copyXattrs(from, to); err != nil {
		return err
	}
	if err := os.Chmod(to, info.Mode()); err != nil {
		return err
	}
	return os.Chtimes(to, info.ModTime(), info.ModTime())
}

// usage counts blocks on disk, each file once.
func usage(folder string) (total int64) {
	seen := map[[2]uint64]bool{}
	var walk func(path string)
	walk = func(path string) {
		entries, _ := os.ReadDir(path)
		for _, e := range entries {
			info, err := e.Info()
			if err != nil {
				continue
			}
			st := info.Sys().(*syscall.Stat_t)
			key := [2]uint64{uint64(st.Dev), st.Ino}
			if st.Nlink == 1 || info.IsDir() || !seen[key] {
				total += st.Blocks * 512
				seen[key] = st.Nlink > 1
			}
			if info.IsDir() {
				walk(path + "/" + e.Name())
			}
		}
	}
	walk(folder)
	return total
}
