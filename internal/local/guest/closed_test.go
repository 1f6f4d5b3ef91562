//go:build linux

package guest_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func init() { helpers["closed later"] = closedLater }

// closedLater closes and makes files below /opt while sandboxes come and go.
func closedLater() error {
	if err := ownOpt(); err != nil {
		return err
	}
	return inSandboxes([]string{
		`mkdir -p /opt/a/b/c/d/e; cd /opt/a/b/c/d/e; echo x > early; echo x > open; chmod 644 early open`,
		`cd /opt/a/b/c/d/e; chmod 600 early; (umask 077; echo x > late)`,
		`cd /opt/a/b/c/d/e; chmod 644 early`,
	}, `echo $(ls /opt/a/b/c/d/e)`)
}

func TestWhatIsClosedLaterIsHidden(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	if os.Geteuid() != 0 {
		t.Skip("for an ordinary user the kernel does it")
	}
	cmd := helper("closed later")
	cmd.SysProcAttr = ownMounts()
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Equal(t, "early open\nopen\nearly open\n", string(out))
}
