//go:build linux || darwin

package guest

import (
	"errors"
	"os"
	"syscall"
)

// saved are the parts of a sandbox's folder that hold its files: the tree, and
// the changes to the host's folders.
var saved = []string{"root", "up"}

// save copies the sandbox into a folder of the host, which came as a descriptor.
func (s *server) save(c *conn, fds []int) error {
	if len(fds) != 1 {
		return errMalformed
	}
	dir := os.NewFile(uintptr(fds[0]), "save")
	fds[0] = -1 // closed with dir
	defer dir.Close()
	if !s.tree.paused() {
		if err := s.tree.pause(); err != nil {
			return errors.Join(err, s.tree.resume())
		}
		defer s.tree.resume()
	}
	copying := newCopier(hungUp(c))
	for _, part := range saved {
		if err := copying.tree(s.own(part), below(dir, part)); err != nil {
			return err
		}
	}
	return nil
}

// restore begins with a saved tree.
func (s *server) restore() error {
	if s.From == "" {
		return nil
	}
	if _, err := os.Stat(s.From); err != nil {
		return err
	}
	copying := newCopier(nil)
	for _, part := range saved {
		if err := copying.tree(s.From+"/"+part, s.Dir+"/"+part); err != nil {
			return err
		}
	}
	return nil
}

func (s *server) usage() (int64, error) {
	var folders []string
	for _, part := range saved {
		folders = append(folders, s.own(part))
	}
	return usage(folders...), nil
}

// RemoveAll removes a sandbox's or saved tree from the host, foreign ids and 0555 folders included.
func RemoveAll(dir string) error {
	err := os.RemoveAll(dir)
	if errors.Is(err, syscall.EACCES) {
		openFolders(dir)
		err = os.RemoveAll(dir)
	}
	return err
}

// openFolders lets the owner into every folder. Nothing runs in the tree any more.
func openFolders(dir string) {
	os.Chmod(dir, 0o700)
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if e.IsDir() {
			openFolders(dir + "/" + e.Name())
		}
	}
}
