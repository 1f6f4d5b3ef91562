package transport_test

import (
	"os"
	osexec "os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// One processor runs nothing at the same time: whoever waits for another must
// let it run. (For 32 bits and other systems see the Makefile: cross, narrow.)
func TestFaults_G7_OneProcessor(t *testing.T) {
	if os.Getenv("GOMAXPROCS") == "1" || testing.Short() {
		t.Skip("runs the tests once more")
	}
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := osexec.Command(self, "-test.run=^TestFaults$", "-test.timeout=2m")
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}
