package guest

import (
	"errors"
	"os"
	"syscall"
)

const emptyThings = "/dev/empty" // while the sandbox is set up

// placement is a detached mount and where it goes, or a symbolic link to make.
type placement struct {
	target string
	mount  mountFD
	file   bool   // the target is no folder
	volume bool   // the target is the caller's choice
	link   string // instead of a mount
}

type plan struct {
	root   mountFD
	mounts []placement
	covers []string // paths to hide where overlays could not do it
	hosts  string
}

func (p *plan) add(target string, m mountFD, err error) error {
	if err == nil {
		p.mounts = append(p.mounts, placement{target: target, mount: m})
	}
	return err
}

// plan makes every mount of the sandbox, detached.
func (s *server) plan() (*plan, error) {
	p := &plan{hosts: text(s.Shared + "/base/hosts")}
	if err := s.planFolders(p); err != nil {
		return nil, err
	}
	proc, err := freshProc()
	if err := p.add("/proc", proc, err); err != nil {
		return nil, err
	}
	run, err := newMount("tmpfs", mountNoSuid|mountNoDev, option{"mode", "0755"})
	if err := p.add("/run", run, err); err != nil {
		return nil, err
	}
	if err := p.devices(s.IDs > 1); err != nil {
		return nil, err
	}
	// An empty file and an empty folder, read-only, cover what must not be seen.
	empty, err := cloneTree(s.Shared+"/base/empty", false)
	if err == nil {
		err = empty.restrict(mountReadOnly | mountNoExec | mountNoSuid | mountNoDev)
	}
	if err := p.add(emptyThings, empty, err); err != nil {
		return nil, err
	}
	return p, s.planVolumes(p)
}

// planFolders stacks the root and the host's folders. Changes go to the sandbox's
// folder, to memory where its file system cannot hold them.
func (s *server) planFolders(p *plan) error {
	list := []*layer{{name: rootLayer, source: s.Shared + "/base/root"}}
	for _, name := range systemFolders {
		if info, err := os.Lstat("/" + name); err == nil && info.IsDir() {
			list = append(list, &layer{name: name, source: "/" + name})
		}
	}
	l, err := s.openLayers(s.Dir)
	if err != nil {
		return err
	}
	l.mountAll(list)
	if list[0].err != nil {
		if l, err = s.inMemory(l); err != nil {
			return err
		}
		l.mountAll(list)
	}
	defer l.close()
	if list[0].err != nil {
		return doing("overlay", list[0].err)
	}
	if s.up, err = l.changes(); err != nil {
		return err
	}
	p.root = list[0].mount
	for _, x := range list[1:] {
		if err := p.show(l, x); err != nil {
			return err
		}
	}
	return nil
}

// inMemory moves the sandbox's changes to a file system of its own, in memory.
func (s *server) inMemory(old *layers) (*layers, error) {
	old.close()
	m, err := newMount("tmpfs", mountNoSuid|mountNoDev, option{"mode", "0700"})
	if err != nil {
		return nil, err
	}
	place := s.Shared + "/base/empty/dir"
	if err := m.move(place); err != nil {
		return nil, err
	}
	if err := newCopier(nil).tree(s.Dir+"/up", place+"/up"); err != nil { // what was restored
		return nil, err
	}
	return s.openLayers(place)
}

// show places one of the host's folders. Where it cannot be overlaid (something
// is mounted below it) it is read-only.
func (p *plan) show(l *layers, x *layer) error {
	m, err := x.mount, x.err
	if err != nil {
		if m, err = cloneTree(x.source, true); err == nil {
			err = m.restrict(mountReadOnly | mountNoSuid | mountNoDev)
		}
	}
	if !x.hides {
		p.covers = append(p.covers, l.hidden(x.name)...)
	}
	return p.add("/"+x.name, m, err)
}

func (s *server) planVolumes(p *plan) error {
	for i, path := range s.MountPaths {
		m, err := cloneTree(s.MountFrom[i], true)
		if err == nil {
			err = m.restrict(mountNoSuid | mountNoDev)
		}
		if err != nil {
			return err
		}
		p.mounts = append(p.mounts, placement{target: path, mount: m, volume: true})
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
		if err == nil {
			err = m.restrict(mountReadOnly | mountNoSuid | mountNoExec) // its mode and owner; what is written goes through
		}
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
