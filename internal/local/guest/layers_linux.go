package guest

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// layers stack a sandbox's own changes over what it shares with others: the
// host's folder, above it the server's layer (what must not be seen, see
// makeLayers), above that the sandbox's. The root has the server's folder alone below.
type layers struct {
	shared *os.File // Spec.Shared/base
	up     *os.File // changes
	work   *os.File // overlayfs's own
}

const rootLayer = "root"

func (s *server) openLayers(own string) (*layers, error) {
	l := &layers{}
	for _, folder := range []struct {
		path string
		file **os.File
	}{{s.Shared + "/base", &l.shared}, {own + "/up", &l.up}, {own + "/work", &l.work}} {
		if folder.path != s.Shared+"/base" {
			if err := os.Mkdir(folder.path, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
				return nil, doing("make layers", err)
			}
		}
		f, err := openPath(folder.path)
		if err != nil {
			return nil, doing("open layers", err)
		}
		*folder.file = f
	}
	return l, nil
}

func (l *layers) close() {
	l.shared.Close()
	l.up.Close()
	l.work.Close()
}

// changes takes hold of the sandbox's own files for good. From this copy of the
// mount no .. leads up to the host, which the guest's descriptors must not do:
// a child has them until it has become its program.
func (l *layers) changes() (*os.File, error) {
	m, err := cloneTree(below(l.up, ""), false)
	if err != nil {
		return nil, err
	}
	if err := m.restrict(mountReadOnly | mountNoSuid | mountNoDev | mountNoExec); err != nil {
		m.close()
		return nil, err
	}
	return os.NewFile(uintptr(m), "changes"), nil
}

// layer is one overlay to mount, and what became of it.
type layer struct {
	name   string // the folder's path without the first slash; rootLayer
	source string
	mount  mountFD
	hides  bool // what must not be seen is out of sight
	err    error
}

// mountAll mounts the overlays side by side: each makes several files, which some disks are slow at.
func (l *layers) mountAll(list []*layer) {
	var all sync.WaitGroup
	for _, x := range list {
		all.Go(func() { x.mount, x.hides, x.err = l.overlay(x.name, x.source) })
	}
	all.Wait()
}

func flat(name string) string { return strings.ReplaceAll(name, "/", "_") }

// overlay mounts name copy-on-write. Descriptors name the layers, because
// options are short and know no quoting, and so that no path of the host shows inside.
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
	up, err := l.own(l.up, name)
	if err != nil {
		return -1, false, err
	}
	defer up.Close()
	work, err := l.own(l.work, name)
	if err != nil {
		return -1, false, err
	}
	defer work.Close()
	m, err = newMount("overlay", mountNoSuid|mountNoDev, option{"lowerdir", lowers}, option{"upperdir", below(up, "")},
		option{"workdir", below(work, "")}, option{"userxattr", ""}, option{"volatile", ""})
	return m, hides && err == nil, err
}

func (l *layers) own(dir *os.File, name string) (*os.File, error) {
	path := below(dir, flat(name))
	if err := syscall.Mkdir(path, 0o755); err != nil && err != syscall.EEXIST {
		return nil, doing("make layers", err)
	}
	return openPath(path)
}

func openPath(path string) (*os.File, error) {
	return os.OpenFile(path, oPath|syscall.O_DIRECTORY, 0)
}

// hidden are the paths below name that only some may read, as found when the server's layers were made.
func (l *layers) hidden(name string) []string {
	var list []string
	for quoted := range strings.Lines(text(below(l.shared, "hidden/"+flat(name)))) {
		if path, err := strconv.Unquote(strings.TrimSpace(quoted)); err == nil {
			list = append(list, "/"+name+"/"+path)
		}
	}
	return list
}
