package guest

import (
	"os"
	"path/filepath"
	"syscall"
	"unsafe"
)

func openPlain(path string, flags int) (int, error) { return syscall.Open(path, flags, 0) }

func below(dir *os.File, base string) string { return filepath.Join(dir.Name(), base) }

func pending(fd int) int {
	const fionread = 0x4004667f
	var n int32
	syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), fionread, uintptr(unsafe.Pointer(&n)))
	return int(n)
}

func closeInherited(first int) {
	for fd := first; fd < 256; fd++ {
		syscall.Close(fd)
	}
}
