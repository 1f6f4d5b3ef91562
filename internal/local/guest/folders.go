//go:build linux || darwin

package guest

import (
	"errors"
	"os"
	"strings"
)

// systemFolders of the host are shown in every sandbox of the namespace tier, copy-on-write; see layers.
var systemFolders = []string{"usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "opt", "nix", "var/lib"}

// readOnlyFolders tells from a sandbox's /proc/mounts which of them could not be
// overlaid, and why: overlays end where something else is mounted.
func readOnlyFolders(mounts string) string {
	var words []string
	for _, name := range systemFolders {
		plain, below := false, ""
		for line := range strings.Lines(mounts) {
			fields := strings.Fields(line)
			switch {
			case len(fields) < 3:
			case fields[1] == "/"+name:
				plain = fields[2] != "overlay"
			case below == "" && strings.HasPrefix(fields[1], "/"+name+"/"):
				below = ": " + fields[1] + " is mounted below it"
			}
		}
		if plain {
			words = append(words, "/"+name+" is read-only in sandboxes"+below)
		}
	}
	return strings.Join(words, "; ")
}

// processFolders makes what a sandbox of the process tier has of its own: its
// folders, what its login shells read, and links to its volumes.
func (s *server) processFolders() error {
	for _, dir := range []string{s.home, s.root + "/tmp"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := writeNew(s.home+"/.bash_profile", loginProfile); err != nil {
		return err
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

// writeNew writes a file that is not there yet.
func writeNew(path, text string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if os.IsExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Close())
}
