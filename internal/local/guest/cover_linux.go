package guest

import (
	"os"
	"syscall"
)

// coveredProc is readable for everyone, yet tells or does too much.
var coveredProc = map[string]bool{"keys": true, "key-users": true, "kallsyms": true, "sched_debug": true}

// closeProc leaves of /proc what everyone may read and nobody may write. Without
// it root inside writes the host's kernel settings.
func closeProc() error {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return doing("read /proc", err)
	}
	for _, e := range entries {
		path := "/proc/" + e.Name()
		if e.Name()[0] <= '9' || e.Type()&os.ModeSymlink != 0 {
			continue
		}
		info, err := e.Info()
		if err != nil {
			continue
		}
		switch {
		case e.IsDir():
			err = readOnly(path)
		case coveredProc[e.Name()] || info.Mode()&0o004 == 0 || info.Mode()&0o222 != 0:
			err = cover(path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func readOnly(path string) error {
	m, err := cloneTree(path, false)
	if err != nil {
		return err
	}
	if err := m.restrict(mountReadOnly); err != nil {
		m.close()
		return err
	}
	return m.move(path)
}

// cover puts an empty file or folder over a path.
func cover(path string) error {
	fd, err := openPlain(path, oPath|syscall.O_NOFOLLOW|syscall.O_CLOEXEC)
	if err != nil {
		return nil // not there, so out of sight
	}
	defer syscall.Close(fd)
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return doing("cover "+path, err)
	}
	source := emptyThings + "/file"
	switch st.Mode & syscall.S_IFMT {
	case syscall.S_IFDIR:
		source = emptyThings + "/dir"
	case syscall.S_IFLNK: // a restored sandbox's own
		return nil
	}
	m, err := cloneTree(source, false)
	if err != nil {
		return err
	}
	return m.moveTo(fd, path)
}
