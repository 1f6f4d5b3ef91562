package guest

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
)

// preparing keeps the guests of one process from doing the same work twice; the lock file does it between processes.
var preparing sync.Mutex

// prepareShared makes, once per server, what all its sandboxes begin with:
//
//	base/etc      an /etc of what everyone may read, with own accounts and hosts
//	base/layers   per system folder, a layer that hides what not everyone may read
//	base/hidden   the same as lists of paths
//	base/empty    an empty file and an empty folder to cover things with
func prepareShared(spec Spec) error {
	if spec.Tier != Namespace || exists(spec.Shared+"/base") {
		return nil
	}
	preparing.Lock()
	defer preparing.Unlock()
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
	temp := spec.Shared + "/base.new"
	if err := RemoveAll(temp); err != nil { // of one that was killed
		return err
	}
	if err := makeShared(temp); err != nil {
		return err
	}
	return os.Rename(temp, spec.Shared+"/base")
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func makeShared(base string) error {
	for _, dir := range []string{"", "/etc", "/layers", "/hidden", "/empty", "/empty/dir"} {
		if err := mkdir(base+dir, 0o755); err != nil {
			return err
		}
	}
	if err := writeFile(base+"/empty/file", "", 0o444); err != nil {
		return err
	}
	if err := makeEtc("/etc", base+"/etc"); err != nil {
		return fmt.Errorf("etc: %w", err)
	}
	return makeLayers(base)
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
