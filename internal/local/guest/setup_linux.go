package guest

import (
	"os"
	"syscall"
)

const prSetChildSubreaper = 36

// setup makes the sandbox around the guest.
func (s *server) setup() error {
	s.tree.server = s
	if err := s.restore(); err != nil {
		return doing("restore "+s.From, err)
	}
	if s.Tier == ProcessTier {
		return s.setupProcess()
	}
	if err := s.setupNamespace(); err != nil {
		return err
	}
	return dropPrivileges()
}

// setupProcess has only folders of its own to make; orphans come to the guest, so that none is lost.
func (s *server) setupProcess() error {
	s.root = s.Dir + "/up/root"
	s.home = s.root + home
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prSetChildSubreaper, 1, 0); errno != 0 {
		return doing("become a subreaper", errno)
	}
	mapAll(s.Env, s.root)
	return s.processFolders()
}

// setupNamespace turns the host's tree into the sandbox's. Everything of the
// host's is taken hold of first, then the root is changed, then it is put in place.
func (s *server) setupNamespace() error {
	s.home = home
	if s.IDs > 1 { // the server's own groups open doors for others
		if _, _, errno := syscall.RawSyscall(syscall.SYS_SETGROUPS, 0, 0, 0); errno != 0 {
			return doing("drop groups", errno)
		}
	}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return doing("make mounts private", err)
	}
	p, err := s.plan()
	if err != nil {
		return err
	}
	if err := s.enter(p.root); err != nil {
		return err
	}
	if err := p.place(); err != nil {
		return err
	}
	if err := syscall.Sethostname([]byte(s.Name)); err != nil {
		return doing("set the host name", err)
	}
	if err := fillRun("127.0.1.1 " + s.Name + "\n" + p.hosts); err != nil {
		return doing("fill /run", err)
	}
	return nil
}

func fillRun(hosts string) error {
	if err := os.Mkdir("/run/lock", 0o777|os.ModeSticky); err != nil {
		return err
	}
	return os.WriteFile("/run/hosts", []byte(hosts), 0o644)
}

// enter makes a mount the root and lets go of the host's tree. Any folder of
// the host serves as the place to do it.
func (s *server) enter(root mountFD) error {
	if err := root.move(s.Dir); err != nil {
		return err
	}
	if err := os.Chdir(s.Dir); err != nil {
		return doing("enter the tree", err)
	}
	if err := syscall.PivotRoot(".", "."); err != nil {
		return doing("pivot_root", err)
	}
	if err := syscall.Unmount(".", syscall.MNT_DETACH); err != nil { // the old root lies on top of the new one
		return doing("leave the host's tree", err)
	}
	return doing("enter /", os.Chdir("/"))
}
