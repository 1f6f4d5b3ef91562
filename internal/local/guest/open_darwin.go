package guest

import (
	"os"
	"path/filepath"
	"syscall"
	"unsafe"
)

func openPlain(path string, flags int) (int, error) { return syscall.Open(path, flags, 0) }

func statPlain(path string) (os.FileInfo, error) { return os.Stat(path) }

func statBelow(dir *os.File, base string) (os.FileInfo, error) { return os.Stat(below(dir, base)) }

// openStart opens the folder that a command starts in, and names it for the child.
func openStart(path string) (fd int, name string, err error) {
	fd, err = syscall.Open(path, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	return fd, path, err
}

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
