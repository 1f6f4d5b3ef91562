package guest

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// leftOut of /etc even where everyone may read it: it says something about the
// host, or runs at every login.
var leftOut = map[string]bool{"passwd": true, "passwd-": true, "group": true, "group-": true, "shadow": true, "gshadow": true,
	"subuid": true, "subuid-": true, "subgid": true, "subgid-": true, "hosts": true, "hostname": true, "resolv.conf": true,
	"nsswitch.conf": true, "profile": true, "profile.d": true, "environment": true, "machine-id": true, "motd": true, "fstab": true,
	"mtab": true, "ld.so.preload": true, "exports": true, "crypttab": true}

// makeEtc copies what everyone may read and writes the rest itself.
func makeEtc(from, to string) error {
	if err := copyReadable(from, to, leftOut); err != nil {
		return err
	}
	users := accounts(from+"/passwd", 2)
	files := map[string]string{
		"passwd":        "root:x:0:0:root:" + home + ":/bin/bash\n" + strings.Join(users, ""),
		"group":         "root:x:0:\n" + strings.Join(accounts(from+"/group", 2), ""),
		"resolv.conf":   text(from + "/resolv.conf"),
		"nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nnetworks: files\nprotocols: files\nservices: files\n",
		"profile":       "# PATH stays as it is; nothing else runs.\numask 022\n",
		"machine-id":    strings.Repeat("0", 31) + "1\n",
		"hostname":      "sandbox\n",
		"fstab":         "",
	}
	for name, content := range files {
		if err := writeFile(to+"/"+name, content, 0o644); err != nil {
			return err
		}
	}
	shadow := "root:*:19000:0:99999:7:::\n"
	for _, line := range users {
		name, _, _ := strings.Cut(line, ":")
		shadow += name + ":*:19000:0:99999:7:::\n"
	}
	return writeFile(to+"/shadow", shadow, 0o640)
}

// accounts are the lines of system accounts, which packages refer to; people are left out, and members of groups.
func accounts(path string, idField int) []string {
	var list []string
	for line := range strings.Lines(text(path)) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), ":")
		if len(fields) < idField+1 || len(fields[idField]) == 0 || len(fields) > 7 {
			continue
		}
		var id int
		if _, err := fmt.Sscanf(fields[idField], "%d", &id); err != nil || id == 0 || id >= 1000 && id != 65534 {
			continue
		}
		fields[1] = "x"
		if len(fields) == 4 {
			fields[3] = ""
		}
		list = append(list, strings.Join(fields, ":")+"\n")
	}
	return list
}

// hosts keeps the host's names, for the network is the host's.
func hosts(path string) string {
	own := "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"
	for line := range strings.Lines(text(path)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0][0] != '#' {
			own += strings.Join(fields, " ") + "\n"
		}
	}
	return own
}

func text(path string) string {
	b, _ := os.ReadFile(path)
	return string(b)
}

// copyReadable copies a folder as far as everyone may read it.
func copyReadable(from, to string, skip map[string]bool) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return nil // not for us
	}
	for _, e := range entries {
		if skip[e.Name()] {
			continue
		}
		if err := copyReadableEntry(from+"/"+e.Name(), to+"/"+e.Name(), e); err != nil {
			return err
		}
	}
	return nil
}

func copyReadableEntry(from, to string, e fs.DirEntry) error {
	info, err := e.Info()
	if err != nil {
		return nil
	}
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		return copyLink(from, to)
	case info.IsDir() && readable(info):
		if err := mkdir(to, info.Mode().Perm()|0o700); err != nil {
			return err
		}
		return copyReadable(from, to, nil)
	case info.Mode().IsRegular() && readable(info):
		return copyContent(from, to, info)
	}
	return nil
}

// copyLink repeats a link whose target is there inside as well; else it takes what the link leads to.
func copyLink(from, to string) error {
	link, err := os.Readlink(from)
	if err != nil {
		return nil
	}
	target, err := filepath.EvalSymlinks(from)
	if err != nil || shown(target) {
		return os.Symlink(link, to)
	}
	if info, err := os.Stat(target); err == nil && info.Mode().IsRegular() && readable(info) && reachable(target) {
		return copyContent(target, to, info)
	}
	return nil
}

// shown tells whether a resolved path of the host is there inside.
func shown(path string) bool {
	for _, name := range append([]string{"etc", "proc", "dev"}, systemFolders...) {
		if path == "/"+name || strings.HasPrefix(path, "/"+name+"/") {
			return true
		}
	}
	return false
}

func copyContent(from, to string, info fs.FileInfo) error {
	in, err := os.Open(from)
	if err != nil {
		return nil
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	if err := out.Chmod(info.Mode().Perm()); err != nil {
		return err
	}
	return os.Chtimes(to, info.ModTime(), info.ModTime())
}

// readable: everyone may read it, and enter it when it is a folder.
func readable(info fs.FileInfo) bool {
	if info.IsDir() {
		return info.Mode()&0o005 == 0o005
	}
	return info.Mode()&0o004 != 0
}

// reachable: everyone may enter every folder on the way.
func reachable(path string) bool {
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err != nil || info.Mode()&0o001 == 0 {
			return false
		}
		if dir == "/" {
			return true
		}
	}
}

// owner of a file; -1 where the system does not tell.
func owner(info fs.FileInfo) (uid, gid int) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid), int(st.Gid)
	}
	return -1, -1
}
