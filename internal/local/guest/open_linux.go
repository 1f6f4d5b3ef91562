package guest

import (
	"os"
	"strconv"
	"syscall"
	"unsafe"
)

const (
	sysOpenat2        = 437
	resolveNoMagic    = 0x02 // RESOLVE_NO_MAGICLINKS
	sysCloseRange     = 436
	fionread          = syscall.TIOCINQ
	atFDCWD           = -0x64
	openHowSize       = 24
	lastFD            = 1<<31 - 1
	selfDescriptors   = "/proc/self/fd/"
	selfDescriptorDir = "/proc/self/fd"
)

// openPlain opens without following magic links, where the kernel can tell (5.6).
func openPlain(path string, flags int) (int, error) {
	how := struct{ flags, mode, resolve uint64 }{flags: uint64(flags | syscall.O_LARGEFILE), resolve: resolveNoMagic}
	p, err := syscall.BytePtrFromString(path)
	if err != nil {
		return -1, err
	}
	for {
		cwd := atFDCWD
		fd, _, errno := syscall.Syscall6(sysOpenat2, uintptr(cwd), uintptr(unsafe.Pointer(p)), uintptr(unsafe.Pointer(&how)), openHowSize, 0, 0)
		switch errno {
		case 0:
			return int(fd), nil
		case syscall.EINTR, syscall.EAGAIN:
			continue
		case syscall.ENOSYS:
			return syscall.Open(path, flags, 0)
		}
		return -1, errno
	}
}

// below names a file in an open folder, whatever happened to the folder's path since.
func below(dir *os.File, base string) string {
	return selfDescriptors + strconv.Itoa(int(dir.Fd())) + "/" + base
}

func pending(fd int) int {
	var n int32
	syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), fionread, uintptr(unsafe.Pointer(&n)))
	return int(n)
}

// closeInherited closes every descriptor from first on: what the host's parent left open must reach nobody.
func closeInherited(first int) {
	if _, _, errno := syscall.Syscall(sysCloseRange, uintptr(first), lastFD, 0); errno == 0 {
		return
	}
	dir, err := os.Open(selfDescriptorDir)
	if err != nil {
		return
	}
	names, _ := dir.Readdirnames(-1)
	dir.Close()
	for _, name := range names {
		if fd, err := strconv.Atoi(name); err == nil && fd >= first {
			syscall.Close(fd)
		}
	}
}
