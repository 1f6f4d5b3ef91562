package guest

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// How deep an ordinary user's server searches the host's folders for what not
// everyone may read: its own closed files; of others' the kernel takes care.
const (
	wholly   = 1 << 20
	atTheTop = 3
	ownDepth = 4 // of an ordinary user's own folders, see masker
)

// updateLayers makes the layers of a root server anew whose hidden things have
// changed. Running sandboxes keep the layer that they began with.
func updateLayers(base string) error {
	closedHere.refresh()
	for _, name := range systemFolders {
		if info, err := os.Lstat("/" + name); err == nil && info.IsDir() {
			if err := updateLayer(base, name, info); err != nil {
				return doing("hide what is closed in /"+name, err)
			}
		}
	}
	return nil
}

func updateLayer(base, name string, info fs.FileInfo) error {
	var quoted strings.Builder
	closed := closedHere.below(name)
	for _, path := range closed {
		quoted.WriteString(strconv.Quote(path) + "\n")
	}
	list := base + "/hidden/" + flat(name)
	if old, err := os.ReadFile(list); err == nil && string(old) == quoted.String() {
		return nil
	}
	layer, err := os.MkdirTemp(base+"/layers", flat(name)+".")
	if err != nil {
		return err
	}
	m := &masker{source: "/" + name, layer: layer, list: bufio.NewWriter(io.Discard)}
	if err := m.build(info, closed); err != nil {
		return errors.Join(err, RemoveAll(layer))
	}
	if err := replace(list, func(temp string) error { return os.WriteFile(temp, []byte(quoted.String()), 0o600) }); err != nil {
		return err
	}
	return replace(base+"/layers/"+flat(name), func(temp string) error { return os.Symlink(filepath.Base(layer), temp) })
}

// replace makes something and puts it in the place of what was there.
func replace(path string, write func(temp string) error) error {
	temp := path + ".new"
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := write(temp); err != nil {
		return err
	}
	return os.Rename(temp, path)
}

// makeLayers makes one layer per system folder for an ordinary user's server.
func makeLayers(base string) error {
	for _, name := range systemFolders {
		info, err := os.Lstat("/" + name)
		if err != nil || !info.IsDir() {
			continue
		}
		depth := atTheTop
		if name == "opt" || name == "var/lib" {
			depth = wholly
		}
		list, err := os.Create(base + "/hidden/" + flat(name))
		if err != nil {
			return err
		}
		m := &masker{source: "/" + name, layer: base + "/layers/" + flat(name), list: bufio.NewWriter(list), own: ids() == 1}
		err = m.run(info, depth)
		if e := m.list.Flush(); err == nil {
			err = e
		}
		list.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// masker walks one of the host's folders and builds a layer to put over it:
// whiteouts for what must not be seen. For an ordinary user also folders of its
// own, so that there can be new files beside the host's, which it may not change.
type masker struct {
	source, layer string
	list          *bufio.Writer
	own           bool
	failed        bool // whiteouts cannot be made here
}

func (m *masker) run(info fs.FileInfo, depth int) error {
	if err := m.makeFolder("", info); err != nil {
		return err
	}
	if err := m.walk("", depth); err != nil {
		return err
	}
	if m.failed { // then things are covered one by one
		return RemoveAll(m.layer)
	}
	return nil
}

// build makes a layer that hides the given paths.
func (m *masker) build(info fs.FileInfo, closed []string) error {
	if err := m.makeFolder("", info); err != nil {
		return err
	}
	for _, path := range closed {
		if err := m.hide(path); err != nil && !errors.Is(err, fs.ErrNotExist) { // gone meanwhile
			return err
		}
	}
	if m.failed {
		return RemoveAll(m.layer)
	}
	return nil
}

func (m *masker) walk(at string, depth int) error {
	entries, err := os.ReadDir(m.source + "/" + at)
	if err != nil {
		return nil // closed to us, so to the sandbox as well
	}
	for _, e := range entries {
		if e.Type()&fs.ModeSymlink != 0 {
			continue
		}
		info, err := e.Info()
		if err != nil {
			continue
		}
		path := e.Name()
		if at != "" {
			path = at + "/" + path
		}
		if err := m.entry(path, info, depth); err != nil {
			return err
		}
	}
	return nil
}

func (m *masker) entry(path string, info fs.FileInfo, depth int) error {
	if !readable(info) || !info.IsDir() && !info.Mode().IsRegular() {
		return m.hide(path)
	}
	if !info.IsDir() {
		return nil
	}
	if m.own && strings.Count(path, "/") < ownDepth {
		if err := m.makeFolder(path, info); err != nil {
			return err
		}
	}
	if m.source == "/usr" && path == "local" {
		depth = wholly
	}
	if depth == 1 {
		return nil
	}
	return m.walk(path, depth-1)
}

func (m *masker) hide(path string) error {
	if err := m.makeParents(path); err != nil {
		return err
	}
	err := syscall.Mknod(m.layer+"/"+path, syscall.S_IFCHR, 0)
	if err == syscall.EPERM {
		m.failed, err = true, nil
	}
	if err != nil {
		return err
	}
	_, err = m.list.WriteString(strconv.Quote(path) + "\n")
	return err
}

// makeParents repeats the folders on the way in the layer.
func (m *masker) makeParents(path string) error {
	for i := range path {
		if path[i] != '/' || exists(m.layer+"/"+path[:i]) {
			continue
		}
		info, err := os.Lstat(m.source + "/" + path[:i])
		if err != nil {
			return err
		}
		if err := m.makeFolder(path[:i], info); err != nil {
			return err
		}
	}
	return nil
}

// makeFolder repeats a folder: the topmost layer's owner and mode are the ones that count.
func (m *masker) makeFolder(path string, info fs.FileInfo) error {
	mode := info.Mode() & (fs.ModePerm | fs.ModeSetgid | fs.ModeSticky)
	if m.own {
		mode |= 0o700
	}
	if err := mkdir(m.layer+"/"+path, mode); err != nil {
		return err
	}
	if uid, gid := owner(info); !m.own && uid >= 0 {
		return os.Lchown(m.layer+"/"+path, uid, gid)
	}
	return nil
}
