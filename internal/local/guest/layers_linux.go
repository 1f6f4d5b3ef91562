package guest

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// layers stack a sandbox's own changes over what it shares with others: the
// host's folder, above it the server's layer (what must not be seen, see
// shared), above that the sandbox's.
type layers struct {
	shared *os.File // Spec.Shared/base
	own    *os.File // Spec.Dir: up holds changes, work is overlayfs's own
	memory bool     // changes are kept in memory, for the disk's file system cannot
}

func (s *server) openLayers() (*layers, error) {
	shared, err := os.Open(s.Shared + "/base")
	if err != nil {
		return nil, doing("open shared layers", err)
	}
	own, err := os.Open(s.Dir)
	if err != nil {
		return nil, doing("open the sandbox's folder", err)
	}
	s.held.dir = own
	return &layers{shared: shared, own: own}, nil
}

func flat(name string) string { return strings.ReplaceAll(name, "/", "_") }

// overlay mounts name copy-on-write. Descriptors name the layers, because
// options are short and know no quoting, and so that no path of the host shows inside.
// hides tells that what must not be seen is already out of sight.
func (l *layers) overlay(name, source string) (m mountFD, hides bool, err error) {
	lower, err := openPath(source)
	if err != nil {
		return -1, false, err
	}
	defer lower.Close()
	lowers := below(lower, "")
	if extra, err := openPath(below(l.shared, "layers/"+flat(name))); err == nil {
		defer extra.Close()
		lowers, hides = below(extra, "")+":"+lowers, true
	}
	var dirs [2]string
	for i, kind := range []string{"up", "work"} {
		dir := below(l.own, kind)
		syscall.Mkdir(dir, 0o755)
		dir += "/" + flat(name)
		syscall.Mkdir(dir, 0o755)
		f, err := openPath(dir)
		if err != nil {
			return -1, false, err
		}
		defer f.Close()
		dirs[i] = below(f, "")
	}
	m, err = newMount("overlay", mountNoSuid|mountNoDev, option{"lowerdir", lowers}, option{"upperdir", dirs[0]}, option{"workdir", dirs[1]},
		option{"userxattr", ""}, option{"volatile", ""})
	return m, hides && err == nil, err
}

func openPath(path string) (*os.File, error) {
	const oPath = 0x200000
	return os.OpenFile(path, oPath|syscall.O_DIRECTORY, 0)
}

// hidden are the paths below name that only some may read, as found when the server's layers were made.
func (l *layers) hidden(name string) []string {
	text, err := os.ReadFile(below(l.shared, "hidden/"+flat(name)))
	if err != nil {
		return nil
	}
	var list []string
	for quoted := range strings.Lines(string(text)) {
		if path, err := strconv.Unquote(strings.TrimSpace(quoted)); err == nil {
			list = append(list, "/"+name+"/"+path)
		}
	}
	return list
}
