package guest

import (
	"sync"
	"syscall"
)

// Without /proc a command's tree is its process group.

func newMark() uint64 { return 0 }

func sweep(uint64) {}

type family struct{ pid int }

func newFamily(s *server, _ uint64) family { return family{} }

func (f *family) end() {}

func (f *family) begin(pid int) {
	f.pid = pid
	groups.Store(pid, true)
}

// groups are the process groups of all commands so far.
var groups sync.Map

type tree struct{ server *server }

func (t *tree) killFamily(f *family) { syscall.Kill(-f.pid, syscall.SIGKILL) }

func (t *tree) killAll() { t.signal(syscall.SIGKILL) }

func (t *tree) end() { t.killAll() }

func (t *tree) pause() error { t.signal(syscall.SIGSTOP); return nil }

func (t *tree) resume() error { t.signal(syscall.SIGCONT); return nil }

func (t *tree) paused() bool { return false }

func (t *tree) signal(sig syscall.Signal) {
	groups.Range(func(pid, _ any) bool {
		syscall.Kill(-pid.(int), sig)
		return true
	})
}

func (t *tree) kill(pid int) error {
	if pid <= 1 {
		return syscall.EINVAL
	}
	if _, known := groups.Load(pid); !known {
		return syscall.ESRCH
	}
	return syscall.Kill(pid, syscall.SIGKILL)
}

func (s *server) processes() ([]ProcessInfo, error) { return nil, syscall.ENOTSUP }
