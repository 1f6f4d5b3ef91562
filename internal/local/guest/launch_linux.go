package guest

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

const mappedIDs = 65536

// executable is the running program itself, also when its file was replaced or removed.
func executable() string { return "/proc/self/exe" }

// processAttr is how a guest is started, and how many ids it will have.
func processAttr(tier Tier) (*syscall.SysProcAttr, int) {
	attr := &syscall.SysProcAttr{Setsid: true}
	if tier != Namespace {
		return attr, 0
	}
	attr.Cloneflags = syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS
	ids := ids()
	attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: ids}}
	attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: ids}}
	attr.GidMappingsEnableSetgroups = ids > 1
	return attr, ids
}

// refusal is the kernel's answer to a guest without id mappings: with them
// os.StartProcess loses a pipe when it is refused (Go 1.26).
func refusal() error {
	attr, _ := processAttr(Namespace)
	attr.UidMappings, attr.GidMappings = nil, nil
	g, err := launch(Namespace, attr)
	if err != nil {
		return err
	}
	return g.Close()
}

// ids is how many a sandbox gets: one for an ordinary user.
func ids() int {
	if os.Geteuid() != 0 {
		return 1
	}
	return min(idsFromZero("/proc/self/uid_map"), idsFromZero("/proc/self/gid_map"))
}

// idsFromZero is how many ids, counted from root, this user namespace has itself.
func idsFromZero(path string) int {
	for line := range strings.Lines(text(path)) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[0] == "0" {
			n, _ := strconv.Atoi(fields[2])
			return max(1, min(n, mappedIDs))
		}
	}
	return 1
}

// commandAttr is how commands are started.
func (s *server) commandAttr() *syscall.SysProcAttr {
	if s.Tier == Namespace {
		return &syscall.SysProcAttr{Setsid: true, Cloneflags: syscall.CLONE_NEWUTS}
	}
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
}
