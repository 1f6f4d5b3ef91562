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
	oPath             = 0x200000
	fionread          = syscall.TIOCINQ
	atFDCWD           = -0x64
	openHowSize       = 24
	lastFD            = 1<<31 - 1
	selfDescriptors   = "/proc/self/fd/"
	selfDescriptorDir = "/proc/self/fd"
)

// openPlain opens without following magic links, where the kernel can tell (5.6).
func openPlain(path string, flags int) (int, error) { return openPlainAt(atFDCWD, path, flags) }

func openPlainAt(dir int, path string, flags int) (int, error) {
	if flags&oPath == 0 {
		flags |= syscall.O_LARGEFILE
	}
	how := struct{ flags, mode, resolve uint64 }{flags: uint64(flags), resolve: resolveNoMagic}
	p, err := syscall.BytePtrFromString(path)
	if err != nil {
		return -1, err
	}
	for {
		fd, _, errno := syscall.Syscall6(sysOpenat2, uintptr(dir), uintptr(unsafe.Pointer(p)), uintptr(unsafe.Pointer(&how)), openHowSize, 0, 0)
		switch errno {
		case 0:
			return int(fd), nil
		case syscall.EINTR, syscall.EAGAIN:
			continue
		case syscall.ENOSYS:
			return syscall.Openat(dir, path, flags, 0)
		}
		return -1, errno
	}
}

// statPlain describes what a path leads to, magic links aside.
func statPlain(path string) (os.FileInfo, error) { return statPlainAt(atFDCWD, path) }

func statPlainAt(dir int, path string) (os.FileInfo, error) {
	fd, err := openPlainAt(dir, path, oPath|syscall.O_CLOEXEC)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	return f.Stat()
}

// statBelow does the same in an open folder.
func statBelow(dir *os.File, base string) (os.FileInfo, error) {
	return statPlainAt(int(dir.Fd()), base)
}

// openStart opens the folder that a command starts in, and names it for the
// child: by the descriptor, so that the child enters what was checked. The child
// still has the guest's descriptors then; a path could lead through them.
func openStart(path string) (fd int, name string, err error) {
	fd, err = openPlain(path, oPath|syscall.O_DIRECTORY|syscall.O_CLOEXEC)
	return fd, selfDescriptors + strconv.Itoa(fd), err
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
