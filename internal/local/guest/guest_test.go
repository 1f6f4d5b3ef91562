package guest_test

import (
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/local/guest"
)

// start runs a sandbox that ends with the test.
func start(t *testing.T, tier guest.Tier, change ...func(*guest.Spec)) *guest.Guest {
	t.Helper()
	spec := guest.Spec{Name: "sb-test", Tier: tier, Dir: folder(t), Shared: folder(t)}
	for _, c := range change {
		c(&spec)
	}
	g, err := guest.Start(t.Context(), spec)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, g.Close()) })
	return g
}

// folder is a temporary one that the package's own means remove.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "guest-")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, guest.RemoveAll(dir)) })
	return dir
}

type result struct {
	out, err string
	exit     guest.Exit
}

// run runs a command to its end.
func run(t *testing.T, g *guest.Guest, cmd guest.Command) result {
	t.Helper()
	p, err := g.Exec(t.Context(), cmd)
	require.NoError(t, err)
	defer p.Stdout.Close()
	defer p.Stderr.Close()
	errs := make(chan []byte, 1)
	go func() {
		b, _ := io.ReadAll(p.Stderr)
		errs <- b
	}()
	out, err := io.ReadAll(p.Stdout)
	require.NoError(t, err)
	complaint := <-errs
	exit, err := p.Wait()
	require.NoError(t, err)
	return result{string(out), string(complaint), exit}
}

func bash(t *testing.T, g *guest.Guest, script string) result {
	t.Helper()
	return run(t, g, guest.Command{Args: []string{"bash", "-c", script}})
}

var tiers = []guest.Tier{guest.Namespace, guest.ProcessTier}

func TestExec(t *testing.T) {
	t.Parallel()
	for _, tier := range tiers {
		g := start(t, tier)
		r := bash(t, g, "echo out; echo err >&2; exit 42")
		assert.Equal(t, result{"out\n", "err\n", guest.Exit{Code: 42}}, r, tier)
	}
}
