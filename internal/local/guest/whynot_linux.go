package guest

import (
	"errors"
	"os"
	"strings"
	"syscall"
)

// whyNot says in plain words why namespaces are refused, and the command that mends it.
func whyNot(err error) (reason, mend string) { return explain(err, "") }

// explain reads the kernel's settings below root ("" in earnest).
func explain(err error, root string) (reason, mend string) {
	setting := func(path string) string { return strings.TrimSpace(text(root + path)) }
	switch {
	case setting("/proc/sys/user/max_user_namespaces") == "0":
		return "user namespaces are switched off (user.max_user_namespaces is 0)", "sudo sysctl user.max_user_namespaces=15000"
	case os.Geteuid() != 0 && setting("/proc/sys/kernel/unprivileged_userns_clone") == "0":
		return "user namespaces are for root only (kernel.unprivileged_userns_clone is 0)", "sudo sysctl kernel.unprivileged_userns_clone=1"
	case os.Geteuid() != 0 && setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1":
		return "AppArmor restricts user namespaces (kernel.apparmor_restrict_unprivileged_userns is 1)",
			"sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"
	case errors.Is(err, syscall.ENOSYS):
		return "the kernel is too old (mount_setattr needs Linux 5.12) or hides system calls: " + err.Error(), ""
	case inContainer(root) && (errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES)):
		return "the container forbids namespaces or mounts: " + err.Error(),
			"docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined …"
	case errors.Is(err, syscall.ENOSPC):
		return "too many user namespaces are in use: " + err.Error(), "sudo sysctl user.max_user_namespaces=15000"
	case errors.Is(err, syscall.EINVAL) && !exists(root+"/proc/self/ns/user"):
		return "the kernel was built without user namespaces", ""
	}
	return err.Error(), ""
}

func inContainer(root string) bool {
	return exists(root+"/.dockerenv") || exists(root+"/run/.containerenv") || strings.Contains(text(root+"/proc/self/status"), "Seccomp:\t2")
}
