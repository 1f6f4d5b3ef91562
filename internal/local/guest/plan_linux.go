package guest

import (
	"errors"
	"os"
	"syscall"
)

// placement is a detached mount and where it goes, or a symbolic link to make.
type placement struct {
	target string
	mount  mountFD
	file   bool   // the target is no folder
	link   string // instead of a mount
}

type plan struct {
	mounts []placement
	covers []string // paths to hide where overlays could not do it
}

// systemFolders of the host are shown in every sandbox; see layer for how.
var systemFolders = []string{"usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "opt", "nix", "var/lib"}

func (p *plan) add(target string, m mountFD, err error) error {
	if err == nil {
		p.mounts = append(p.mounts, placement{target: target, mount: m})
	}
	return err
}

// plan makes every mount of the sandbox, detached.
func (s *server) plan() (*plan, error) {
	p := &plan{}
	l, err := s.openLayers()
	if err != nil {
		return nil, err
	}
	for _, name := range append([]string{"etc"}, systemFolders...) {
		if err := s.planFolder(p, l, name); err != nil {
			return nil, err
		}
	}
	proc, err := freshProc()
	if err := p.add("/proc", proc, err); err != nil {
		return nil, err
	}
	if err := p.devices(s.IDs > 1); err != nil {
		return nil, err
	}
	// One empty file, read-only, covers what must not be seen.
	empty, err := cloneTree(s.Shared+"/base/empty", false)
	if err == nil {
		err = empty.restrict(mountReadOnly | mountNoExec | mountNoSuid | mountNoDev)
	}
	if err := p.add("/dev/.empty", empty, err); err != nil {
		return nil, err
	}
	return p, s.planVolumes(p)
}

// planFolder shows one of the host's folders, or repeats the link that stands in its place.
func (s *server) planFolder(p *plan, l *layers, name string) error {
	if link, err := os.Readlink("/" + name); err == nil && name != "etc" {
		p.mounts = append(p.mounts, placement{target: "/" + name, link: link})
		return nil
	}
	source := "/" + name
	if name == "etc" {
		source = s.Shared + "/base/etc"
	}
	if info, err := os.Stat(source); err != nil || !info.IsDir() {
		return nil
	}
	m, hides, err := l.overlay(name, source)
	if err != nil { // the file system cannot, or something is mounted below: show it, read-only
		if m, err = cloneTree(source, true); err == nil {
			err = m.restrict(mountReadOnly | mountNoSuid | mountNoDev)
		}
	}
	if !hides {
		p.covers = append(p.covers, l.hidden(name)...)
	}
	return p.add("/"+name, m, err)
}

func (s *server) planVolumes(p *plan) error {
	for i, path := range s.MountPaths {
		m, err := cloneTree(s.MountFrom[i], true)
		if err == nil {
			err = m.restrict(mountNoSuid | mountNoDev)
		}
		if err := p.add(path, m, err); err != nil {
			return err
		}
	}
	return nil
}

// freshProc must be made while the host's /proc is still in sight, and with the same access time rule.
func freshProc() (m mountFD, err error) {
	for _, atime := range []int{0, mountNoAtime, mountStrictAtime} {
		m, err = newMount("proc", mountNoSuid|mountNoDev|mountNoExec|atime)
		if !errors.Is(err, syscall.EPERM) {
			break
		}
	}
	return m, err
}

// devices builds /dev: the harmless ones of the host, own terminals, own shared memory.
func (p *plan) devices(groups bool) error {
	dev, err := newMount("tmpfs", mountNoSuid|mountNoExec, option{"mode", "0755"}, option{"size", "1M"})
	if err := p.add("/dev", dev, err); err != nil {
		return err
	}
	for _, name := range []string{"null", "zero", "full", "random", "urandom", "tty"} {
		m, err := cloneTree("/dev/"+name, false)
		if err != nil {
			return err
		}
		p.mounts = append(p.mounts, placement{target: "/dev/" + name, mount: m, file: true})
	}
	pts := []option{{"newinstance", ""}, {"ptmxmode", "0666"}, {"mode", "0620"}}
	if groups {
		pts = append(pts, option{"gid", "5"})
	}
	terminals, err := newMount("devpts", mountNoSuid|mountNoExec, pts...)
	if err := p.add("/dev/pts", terminals, err); err != nil {
		return err
	}
	shm, err := newMount("tmpfs", mountNoSuid|mountNoDev, option{"mode", "1777"})
	if err := p.add("/dev/shm", shm, err); err != nil {
		return err
	}
	for name, link := range map[string]string{"ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "/proc/self/fd/0",
		"stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"} {
		p.mounts = append(p.mounts, placement{target: "/dev/" + name, link: link})
	}
	return nil
}

// place runs inside: every path is the sandbox's own.
func (p *plan) place() error {
	for _, m := range p.mounts {
		if err := m.place(); err != nil {
			return err
		}
	}
	if err := closeProc(); err != nil {
		return err
	}
	for _, path := range p.covers {
		if err := cover(path); err != nil && !errors.Is(err, syscall.ENOENT) {
			return err
		}
	}
	return nil
}

func (m placement) place() error {
	if m.link != "" {
		err := os.Symlink(m.link, m.target)
		if errors.Is(err, syscall.EEXIST) {
			err = nil
		}
		return doing("link "+m.target, err)
	}
	if m.file {
		fd, err := syscall.Open(m.target, syscall.O_CREAT|syscall.O_CLOEXEC, 0o644)
		if err != nil {
			return doing("make "+m.target, err)
		}
		syscall.Close(fd)
	} else if _, err := os.Stat(m.target); err != nil {
		if err := os.MkdirAll(m.target, 0o755); err != nil {
			return doing("make "+m.target, err)
		}
	}
	return m.mount.move(m.target)
}

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
	source := "/dev/.empty/file"
	if info.IsDir() {
		source = "/dev/.empty/dir"
	}
	m, err := cloneTree(source, false)
	if err != nil {
		return err
	}
	return m.move(path)
}
