package leaks

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { Main(m) }

// What is counted is what there is: else nothing would ever be found.
func TestWhatIsLeftIsFound(t *testing.T) {
	temp := t.TempDir()
	before := take(temp)
	require.Empty(t, before.more(now(temp)))

	stop := make(chan struct{})
	defer close(stop)
	go func() { <-stop }()
	assert.Contains(t, before.more(now(temp)), "goroutines")

	require.NoError(t, os.WriteFile(filepath.Join(temp, "forgotten"), nil, 0o600))
	assert.Contains(t, before.more(now(temp)), "forgotten")
	if runtime.GOOS != "linux" {
		return
	}
	file, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer file.Close()
	assert.Contains(t, before.more(now(temp)), "file descriptors")

	child := exec.Command("sleep", "1000")
	require.NoError(t, child.Start())
	assert.Contains(t, before.more(now(temp)), "child processes")
	require.NoError(t, child.Process.Kill())
	_ = child.Wait()
}
