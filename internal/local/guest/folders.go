//go:build linux || darwin

package guest

import (
	"os"
	"strings"
)

// processFolders makes what a sandbox of the process tier has of its own, and
// links to its volumes.
func (s *server) processFolders() error {
	for _, dir := range []string{s.home, s.root + "/tmp"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	for i, at := range s.MountPaths {
		link := s.root + at
		if err := os.MkdirAll(link[:strings.LastIndexByte(link, '/')], 0o755); err != nil {
			return err
		}
		if old, err := os.Readlink(link); err == nil && old != s.MountFrom[i] { // of the sandbox that this one was saved from
			os.Remove(link)
		}
		if err := os.Symlink(s.MountFrom[i], link); err != nil && !os.IsExist(err) {
			return err
		}
	}
	return nil
}
