package guest

import (
	"os"
	"syscall"
	"unsafe"
)

// defaultSignals takes the runtime's signal handlers away, for the kernel then
// keeps a sandbox from ending its own guest: pid 1 gets no signal from inside
// that it does not handle. (Catching them by os/signal costs a thread switch
// each; ignoring them would be inherited by every command.) The runtime keeps
// what it needs itself.
func defaultSignals() {
	if os.Getpid() != 1 {
		return
	}
	var action struct{ handler, flags, restorer, mask uint64 }
	for n := syscall.Signal(1); n < 32; n++ {
		switch n {
		case syscall.SIGURG, syscall.SIGPIPE, syscall.SIGKILL, syscall.SIGSTOP:
			continue
		}
		syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(n), uintptr(unsafe.Pointer(&action)), 0, 8, 0, 0)
	}
}
