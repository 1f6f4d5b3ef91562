package leaks

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"testing"
	"time"

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

// The collector's own way to find leaks; see the Makefile: stuck. Who is stuck
// stays so, hence in a copy of this program.
func TestFaults_G6_StuckGoroutinesAreFound(t *testing.T) {
	if pprof.Lookup("goroutineleak") == nil {
		t.Skip("needs GOEXPERIMENT=goroutineleakprofile")
	}
	if os.Getenv("BE_STUCK") != "" {
		go stuckFor(make(chan struct{}))
		time.Sleep(10 * time.Millisecond)
		fmt.Println(Stuck())
		return
	}
	require.Empty(t, Stuck())
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self, "-test.run=^TestFaults_G6_StuckGoroutinesAreFound$")
	cmd.Env = append(os.Environ(), "BE_STUCK=yes")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err)
	require.Contains(t, string(out), "stuckFor")
}

func stuckFor(wait chan struct{}) { <-wait }
