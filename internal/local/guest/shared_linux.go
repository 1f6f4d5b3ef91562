package guest

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// preparing keeps the guests of one process from doing the same work twice; the lock file does it between processes.
var preparing sync.Mutex

// prepareShared makes, once per server, what all its sandboxes begin with:
//
//	base/root     the tree: usual folders, links as on the host, and an /etc of
//	              what everyone may read, with own accounts
//	base/layers   per system folder, a layer that hides what not everyone may read
//	base/hidden   the same as lists of paths
//	base/empty    an empty file and an empty folder to cover things with
func prepareShared(spec Spec) error {
	if spec.Tier != Namespace || ids() == 1 && exists(spec.Shared+"/base") {
		return nil
	}
	preparing.Lock()
	defer preparing.Unlock()
	if err := prepareBase(spec); err != nil || ids() == 1 {
		return err
	}
	return updateLayers(spec.Shared + "/base")
}

func prepareBase(spec Spec) error {
	if exists(spec.Shared + "/base") {
		return nil
	}
	lock, err := os.OpenFile(spec.Shared+"/lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	if exists(spec.Shared + "/base") {
		return nil
	}
	return makeBase(spec.Shared)
}

// makeBase makes the base whole or not at all. It is a thousand small files: in
// memory where there is room, which is many times faster than some disks.
func makeBase(shared string) error {
	temp := shared + "/base.new"
	if err := RemoveAll(temp); err != nil { // of one that was killed
		return err
	}
	if dir, err := memoryFolder(); err == nil {
		if err := os.Symlink(dir, temp); err != nil {
			return errors.Join(err, os.RemoveAll(dir))
		}
	}
	if err := makeShared(temp); err != nil {
		return errors.Join(err, RemoveAll(temp))
	}
	return os.Rename(temp, shared+"/base")
}

// memoryFolder makes one, locked while this process lives, and removes those whose owners are gone.
func memoryFolder() (string, error) {
	const tmpfs, room = 0x01021994, 32 << 20
	var st syscall.Statfs_t
	if err := syscall.Statfs(memoryParent, &st); err != nil {
		return "", err
	}
	if st.Type != tmpfs || int64(st.Bavail)*int64(st.Bsize) < room {
		return "", syscall.ENOSPC
	}
	dirs, _ := filepath.Glob(memoryPrefix + "*")
	for _, dir := range dirs {
		if lock, err := lockMemory(dir); err == nil {
			removeTree(dir)
			lock.Close()
		}
	}
	dir, err := os.MkdirTemp(memoryParent, filepath.Base(memoryPrefix))
	if err != nil {
		return "", err
	}
	lock, err := lockMemory(dir)
	if err != nil { // another's sweep came between
		return "", err
	}
	memoryLocks.Store(dir, lock)
	return dir, nil
}

func lockMemory(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	locked, err := f.Stat()
	named, gone := os.Stat(dir)
	if err != nil || gone != nil || !os.SameFile(locked, named) { // swept between the two steps
		f.Close()
		return nil, os.ErrNotExist
	}
	return f, nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func makeShared(base string) error {
	if err := mkdir(base, 0o700); err != nil {
		return err
	}
	for _, dir := range []string{"/root", "/layers", "/hidden", "/empty", "/empty/dir"} {
		if err := mkdir(base+dir, 0o755); err != nil {
			return err
		}
	}
	if err := writeFile(base+"/empty/file", "", 0o444); err != nil {
		return err
	}
	if err := writeFile(base+"/hosts", hosts("/etc/hosts"), 0o644); err != nil {
		return err
	}
	if err := makeRoot(base + "/root"); err != nil {
		return err
	}
	if ids() > 1 { // before each sandbox, see updateLayers
		return nil
	}
	return makeLayers(base)
}

// ownFolders are there in every sandbox, besides the host's.
var ownFolders = []struct {
	path string
	mode os.FileMode
}{{"dev", 0o755}, {"etc", 0o755}, {"home", 0o755}, {"home/user", 0o755}, {"media", 0o755}, {"mnt", 0o755}, {"opt", 0o755},
	{"proc", 0o755}, {"root", 0o700}, {"run", 0o755}, {"srv", 0o755}, {"sys", 0o755}, {"tmp", 0o777 | os.ModeSticky},
	{"var", 0o755}, {"var/cache", 0o755}, {"var/cache/apt", 0o755}, {"var/cache/apt/archives", 0o755}, {"var/lib", 0o755},
	{"var/log", 0o755}, {"var/log/apt", 0o755}, {"var/mail", 0o755}, {"var/spool", 0o755},
	{"var/tmp", 0o777 | os.ModeSticky}, {"workspace", 0o755}}

func makeRoot(root string) error {
	for _, f := range ownFolders {
		if err := mkdir(root+"/"+f.path, f.mode); err != nil {
			return err
		}
	}
	for _, name := range systemFolders {
		info, err := os.Lstat("/" + name)
		if err != nil || exists(root+"/"+name) {
			continue
		}
		if link, err := os.Readlink("/" + name); err == nil {
			if err := os.Symlink(link, root+"/"+name); err != nil {
				return err
			}
		} else if info.IsDir() {
			if err := mkdir(root+"/"+name, 0o755); err != nil {
				return err
			}
		}
	}
	for link, target := range map[string]string{"var/run": "/run", "var/lock": "/run/lock", "etc/hosts": "/run/hosts", "etc/mtab": "/proc/self/mounts"} {
		if err := os.Symlink(target, root+"/"+link); err != nil {
			return err
		}
	}
	return makeEtc("/etc", root+"/etc")
}

// mkdir and writeFile set the mode whatever the umask is.
func mkdir(path string, mode os.FileMode) error {
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return os.Chmod(path, mode)
}

func writeFile(path, text string, mode os.FileMode) error {
	os.Remove(path)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return err
	}
	return os.Chmod(path, mode)
}
