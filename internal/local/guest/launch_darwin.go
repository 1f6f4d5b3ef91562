package guest

import (
	"os"
	"syscall"
)

func executable() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

func processAttr(Tier) (*syscall.SysProcAttr, int) { return &syscall.SysProcAttr{Setsid: true}, 0 }

func refusal() error { return nil }

func (s *server) commandAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

func prepareShared(Spec) error { return nil }

// setup makes the sandbox's own folders; there is nothing else to keep apart.
func (s *server) setup() error {
	if s.Tier != ProcessTier {
		return syscall.ENOTSUP
	}
	s.tree.server = s
	if err := s.restore(); err != nil {
		return err
	}
	s.root = s.Dir + "/up/root"
	s.home = s.root + home
	mapAll(s.Env, s.root)
	return s.processFolders()
}
