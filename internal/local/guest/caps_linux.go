package guest

import (
	"syscall"
	"unsafe"
)

const (
	prCapBsetDrop   = 24
	prSetNoNewPrivs = 38
	capLast         = 63

	sysLandlockCreateRuleset = 444
	sysLandlockRestrictSelf  = 446
)

// kept are the capabilities of a container's usual set: enough for package managers, not for mounts or the kernel's settings.
var kept = map[uintptr]bool{
	0:  true, // chown
	1:  true, // dac_override
	3:  true, // fowner
	4:  true, // fsetid
	5:  true, // kill
	6:  true, // setgid
	7:  true, // setuid
	8:  true, // setpcap
	10: true, // net_bind_service
	18: true, // sys_chroot
	31: true, // setfcap
}

// dropPrivileges limits what the calling thread's children can get by exec. The
// guest itself keeps its own, which also hides it from them: no process may look
// into one that has more privileges.
func dropPrivileges() error {
	for c := uintptr(0); c <= capLast; c++ {
		if kept[c] {
			continue
		}
		_, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prCapBsetDrop, c, 0)
		if errno == syscall.EINVAL { // beyond the kernel's last one
			break
		}
		if errno != 0 {
			return doing("drop privileges", errno)
		}
	}
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, prSetNoNewPrivs, 1, 0, 0, 0, 0)
	if errno != 0 {
		return doing("forbid new privileges", errno)
	}
	forgetKeys()
	closeAbstractSockets()
	return nil
}

// forgetKeys gives commands a session keyring of their own instead of the server's.
func forgetKeys() {
	const joinSession = 1
	syscall.RawSyscall(syscall.SYS_KEYCTL, joinSession, 0, 0)
}

// closeAbstractSockets keeps commands from the host's abstract Unix sockets,
// which the shared network would reach: some services trust whoever connects as
// root. Landlock can since Linux 6.12; before that they stay open.
func closeAbstractSockets() {
	const scopeAbstractSocket = 1
	rules := struct{ fs, net, scoped uint64 }{scoped: scopeAbstractSocket}
	fd, _, errno := syscall.RawSyscall(sysLandlockCreateRuleset, uintptr(unsafe.Pointer(&rules)), unsafe.Sizeof(rules), 0)
	if errno != 0 {
		return
	}
	syscall.RawSyscall(sysLandlockRestrictSelf, fd, 0, 0)
	syscall.Close(int(fd))
}
