package guest_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/local/guest"
)

// A server that prepares its own folder in memory sweeps those of dead servers,
// and no other folder that has a similar name.
func TestSweepOfMemorySparesOthers(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("/dev/shm", "sandflare-local-")
	if err != nil {
		t.Skip("no /dev/shm to write to:", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	require.NoError(t, os.WriteFile(filepath.Join(dir, "kept"), nil, 0o600))
	eachTier(t, func(t *testing.T, tier guest.Tier) {
		output(t, start(t, tier), "true")
		assert.FileExists(t, filepath.Join(dir, "kept"))
	})
}
