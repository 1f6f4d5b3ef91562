package guest

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	ordinary := os.Geteuid() != 0
	for _, test := range []struct {
		name         string
		files        map[string]string
		err          error
		reason, mend string
		ordinaryOnly bool
	}{
		{name: "switched off", files: map[string]string{"proc/sys/user/max_user_namespaces": "0\n"}, err: syscall.ENOSPC,
			reason: "switched off", mend: "sudo sysctl user.max_user_namespaces=15000"},
		{name: "for root only", files: map[string]string{"proc/sys/kernel/unprivileged_userns_clone": "0\n"}, err: syscall.EPERM,
			reason: "for root only", mend: "sudo sysctl kernel.unprivileged_userns_clone=1", ordinaryOnly: true},
		{name: "AppArmor", files: map[string]string{"proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1\n"}, err: syscall.EACCES,
			reason: "AppArmor", mend: "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0", ordinaryOnly: true},
		{name: "Docker", files: map[string]string{".dockerenv": ""}, err: fmt.Errorf("clone: %w", syscall.EPERM),
			reason: "container", mend: "docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined …"},
		{name: "Podman", files: map[string]string{"run/.containerenv": ""}, err: syscall.EPERM, reason: "container", mend: "docker run"},
		{name: "seccomp", files: map[string]string{"proc/self/status": "Name:\tx\nSeccomp:\t2\n"}, err: syscall.EPERM, reason: "container", mend: "docker run"},
		{name: "old kernel", err: fmt.Errorf("restrict a mount: %w", syscall.ENOSYS), reason: "Linux 5.12"},
		{name: "too many", err: syscall.ENOSPC, reason: "too many", mend: "sudo sysctl user.max_user_namespaces=15000"},
		{name: "not built in", err: syscall.EINVAL, reason: "without user namespaces"},
		{name: "anything else", err: syscall.EIO, reason: "input/output error"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.ordinaryOnly && !ordinary {
				t.Skip("root is not restricted by it; runs again as an ordinary user")
			}
			root := t.TempDir()
			for path, content := range test.files {
				require.NoError(t, os.MkdirAll(filepath.Dir(root+"/"+path), 0o755))
				require.NoError(t, os.WriteFile(root+"/"+path, []byte(content), 0o600))
			}
			reason, mend := explain(test.err, root)
			assert.Contains(t, reason, test.reason)
			assert.Contains(t, mend, test.mend)
			if test.mend == "" {
				assert.Empty(t, mend)
			}
		})
	}
}
