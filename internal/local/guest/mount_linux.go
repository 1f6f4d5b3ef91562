package guest

import (
	"fmt"
	"runtime"
	"syscall"
	"unsafe"
)

// The mount calls of Linux 5.2–5.12, which the syscall package does not have.
// Mounts are made detached, as descriptors, while the host's tree is still
// there, and put in place after pivot_root, where no path can lead outside.
const (
	sysOpenTree     = 428
	sysMoveMount    = 429
	sysFsopen       = 430
	sysFsconfig     = 431
	sysFsmount      = 432
	sysMountSetattr = 442

	openTreeClone    = 0x1
	atRecursive      = 0x8000
	atEmptyPath      = 0x1000
	moveFromEmpty    = 0x4 // MOVE_MOUNT_F_EMPTY_PATH
	moveToEmpty      = 0x40
	fsconfigFlag     = 0
	fsconfigString   = 1
	fsconfigCreate   = 6
	fsopenCloexec    = 0x1
	fsmountCloexec   = 0x1
	mountReadOnly    = 0x1
	mountNoSuid      = 0x2
	mountNoDev       = 0x4
	mountNoExec      = 0x8
	mountNoAtime     = 0x10
	mountStrictAtime = 0x20
)

// mountFD is a detached mount.
type mountFD int

func (m mountFD) close() { syscall.Close(int(m)) }

// cloneTree takes a copy of what is mounted at path, with everything below it when recursive.
func cloneTree(path string, recursive bool) (mountFD, error) {
	flags := openTreeClone | syscall.O_CLOEXEC
	if recursive {
		flags |= atRecursive
	}
	return fdCall("open "+path, sysOpenTree, atFDCWD, path, flags)
}

// restrict adds restrictions to the mount and all below it. The kernel must be 5.12 or newer.
func (m mountFD) restrict(attrs uint64) error {
	attr := &struct{ set, clear, propagation, userns uint64 }{set: attrs}
	_, err := fdCall("restrict a mount", sysMountSetattr, int(m), "", atEmptyPath|atRecursive, unsafe.Pointer(attr), int(unsafe.Sizeof(*attr)))
	return err
}

// move puts the mount in place and lets go of the descriptor.
func (m mountFD) move(target string) error {
	defer m.close()
	_, err := fdCall("mount "+target, sysMoveMount, int(m), "", atFDCWD, target, moveFromEmpty)
	return err
}

// moveTo puts the mount over an open file or folder; the name is for the error.
func (m mountFD) moveTo(fd int, name string) error {
	defer m.close()
	_, err := fdCall("mount "+name, sysMoveMount, int(m), "", fd, "", moveFromEmpty|moveToEmpty)
	return err
}

// option is a mount option; value "" is a plain flag.
type option struct{ name, value string }

// newMount makes a file system of the given type.
func newMount(kind string, attrs int, options ...option) (mountFD, error) {
	fs, err := fdCall("open file system "+kind, sysFsopen, kind, fsopenCloexec)
	if err != nil {
		return -1, err
	}
	defer fs.close()
	for _, o := range options {
		if err := fs.configure(kind, o); err != nil {
			return -1, err
		}
	}
	if _, err := fdCall("make file system "+kind, sysFsconfig, int(fs), fsconfigCreate, nil, nil, 0); err != nil {
		return -1, err
	}
	return fdCall("mount file system "+kind, sysFsmount, int(fs), fsmountCloexec, attrs)
}

func (m mountFD) configure(kind string, o option) (err error) {
	if o.value == "" {
		_, err = fdCall(kind+" option "+o.name, sysFsconfig, int(m), fsconfigFlag, o.name, nil, 0)
	} else {
		_, err = fdCall(kind+" option "+o.name, sysFsconfig, int(m), fsconfigString, o.name, o.value, 0)
	}
	return err
}

// fdCall makes a system call with numbers, strings and pointers; its error says what was being done.
func fdCall(what string, call uintptr, args ...any) (mountFD, error) {
	var raw [6]uintptr
	var kept [6]*byte
	for i, arg := range args {
		switch v := arg.(type) {
		case int:
			raw[i] = uintptr(v)
		case unsafe.Pointer:
			raw[i] = uintptr(v)
		case string:
			p, err := syscall.BytePtrFromString(v)
			if err != nil {
				return -1, doing(what, err)
			}
			raw[i], kept[i] = uintptr(unsafe.Pointer(p)), p
		}
	}
	r, _, errno := syscall.Syscall6(call, raw[0], raw[1], raw[2], raw[3], raw[4], raw[5])
	runtime.KeepAlive(kept)
	runtime.KeepAlive(args)
	if errno != 0 {
		return -1, doing(what, errno)
	}
	return mountFD(r), nil
}

// doing says what an error interrupted.
func doing(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
