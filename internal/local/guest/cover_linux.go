package guest

import "os"

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
	info, err := os.Lstat(path)
	if err != nil {
		return nil
	}
	source := emptyThings + "/file"
	if info.IsDir() {
		source = emptyThings + "/dir"
	}
	m, err := cloneTree(source, false)
	if err != nil {
		return err
	}
	return m.move(path)
}
