//go:build linux || darwin

package guest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

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
	return newCopier(hungUp(c)).tree(s.changes(), below(dir, "up"))
}

// restore begins with a saved tree.
func (s *server) restore() error {
	if s.From == "" {
		return nil
	}
	if _, err := os.Stat(s.From); err != nil {
		return err
	}
	if err := newCopier(nil).tree(s.From+"/up", s.Dir+"/up"); err != nil {
		return err
	}
	return repair(s.Dir + "/up/root")
}

// repair brings back the folders that a sandbox needs, where the saved one had
// put something else in their place, or nothing (a whiteout): what lies below shows again.
func repair(root string) error {
	for _, name := range []string{"dev", "etc", "home", "home/user", "opt", "proc", "root", "run", "tmp", "usr", "var", "var/lib"} {
		info, err := os.Lstat(root + "/" + name)
		if err != nil || info.IsDir() {
			continue
		}
		if err := os.Remove(root + "/" + name); err != nil {
			return err
		}
	}
	return nil
}

func (s *server) usage() (int64, error) { return usage(s.changes()), nil }

// RemoveAll removes a sandbox's, shared or saved tree from the host, foreign ids
// and 0555 folders included, and what the shared one keeps in memory.
func RemoveAll(dir string) error {
	for _, pattern := range []string{"", "/base", "/base.new", "/*/base", "/*/base.new"} {
		removeMemory(dir + pattern)
	}
	return removeTree(dir)
}

func removeTree(dir string) error {
	err := os.RemoveAll(dir)
	if errors.Is(err, syscall.EACCES) {
		openFolders(dir)
		err = os.RemoveAll(dir)
	}
	return err
}

// memoryPrefix begins the names of folders in memory; a link in the shared
// folder leads there. Nothing else may begin so: what no server has locked is
// swept.
const memoryPrefix = memoryParent + "/.sandflare-guest-base-"

const memoryParent = "/dev/shm"

// memoryLocks keep the folders in memory that are this process's own.
var memoryLocks sync.Map

func removeMemory(pattern string) {
	links, _ := filepath.Glob(pattern)
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && strings.HasPrefix(target, memoryPrefix) && !strings.Contains(target, "..") {
			removeTree(target)
			if lock, ok := memoryLocks.LoadAndDelete(target); ok {
				lock.(*os.File).Close()
			}
		}
	}
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
