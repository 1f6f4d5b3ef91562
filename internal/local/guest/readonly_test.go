//go:build linux

package guest_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/local/guest"
)

func init() { helpers["mounted below"] = mountedBelow }

// mountedBelow has something mounted below one of the system's folders.
func mountedBelow() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := syscall.Mount("tmpfs", "/usr/share", "tmpfs", 0, ""); err != nil {
		return err
	}
	support, err := guest.Probe(context.Background(), guest.Namespace)
	fmt.Print(support.Tier, ", ", support.Reason)
	return err
}

func TestReadOnlyFoldersAreReported(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	cmd := helper("mounted below")
	cmd.SysProcAttr = ownMounts()
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Contains(t, string(out), "namespace, /usr is read-only in sandboxes: /usr/share is mounted below it")
}

func TestUserIsWhoRuns(t *testing.T) {
	t.Parallel()
	eachTier(t, func(t *testing.T, tier guest.Tier) {
		g := start(t, tier)
		want := strings.TrimSpace(bash(t, g, "id -un 2>/dev/null || id -u").out)
		assert.Equal(t, want+" "+want, output(t, g, "echo $USER $LOGNAME"), "%d", os.Geteuid())
	})
}
