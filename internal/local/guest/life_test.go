//go:build linux

package guest_test

import (
	"bufio"
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

// Deleting a sandbox leaves no process, no mount and no file.
func TestCloseLeavesNothing(t *testing.T) {
	t.Parallel()
	eachTier(t, func(t *testing.T, tier guest.Tier) {
		word := itoa(200000 + os.Getpid()%50000 + len(tier))
		s := spec(t, tier)
		g, err := guest.Start(t.Context(), s)
		require.NoError(t, err)
		output(t, g, "for i in 1 2 3; do setsid -f sleep "+word+"; (env -i $(command -v setsid) -f $(command -v sleep) "+word+" & ); done; echo x > file")
		eventually(t, "they run", func() bool { return len(withCommandLine("sleep\x00"+word)) == 6 })
		require.NoError(t, g.Pause())
		require.NoError(t, g.Close())
		require.NoError(t, g.Close(), "again")
		<-g.Done()
		assert.Empty(t, withCommandLine("sleep\x00"+word))
		mounts, err := os.ReadFile("/proc/self/mountinfo")
		require.NoError(t, err)
		assert.NotContains(t, string(mounts), s.Dir)
		require.NoError(t, guest.RemoveAll(s.Dir))
		assert.NoDirExists(t, s.Dir)
	})
}

// Commands that Close ends did not end by themselves.
func TestCloseWhileCommandsRun(t *testing.T) {
	t.Parallel()
	eachTier(t, func(t *testing.T, tier guest.Tier) {
		g := start(t, tier)
		var running []*guest.Process
		for range 5 {
			p, err := g.Exec(t.Context(), guest.Command{Args: []string{"sleep", "1000"}})
			require.NoError(t, err)
			running = append(running, p)
		}
		require.NoError(t, g.Close())
		for _, p := range running {
			_, err := p.Wait()
			require.ErrorIs(t, err, guest.ErrEnded)
			require.NoError(t, p.Stdout.Close())
			require.NoError(t, p.Stderr.Close())
		}
	})
}

// A guest that ends by itself says so, and nothing of it is left.
func TestGuestKilled(t *testing.T) {
	t.Parallel()
	eachTier(t, func(t *testing.T, tier guest.Tier) {
		word := itoa(300000 + os.Getpid()%50000 + len(tier))
		g := start(t, tier)
		output(t, g, "setsid -f sleep "+word)
		eventually(t, "it runs", func() bool { return len(withCommandLine("sleep\x00"+word)) == 1 })
		stat, err := os.ReadFile("/proc/" + itoa(withCommandLine("sleep\x00" + word)[0]) + "/stat")
		require.NoError(t, err)
		pid := atoi(strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))[1]) // orphans are the guest's
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
		<-g.Done()
		assert.Empty(t, withCommandLine("sleep\x00"+word))
		_, err = g.ReadDir("/")
		require.ErrorIs(t, err, guest.ErrEnded)
		require.ErrorContains(t, err, "signal: killed")
	})
}

func init() { helpers["server"] = server }

// server starts sandboxes that are busy, says so, and waits to be killed.
func server() error {
	for _, tier := range strings.Fields(os.Getenv("GUEST_TEST_TIERS")) {
		dir, err := os.MkdirTemp("", "guest-")
		if err != nil {
			return err
		}
		if err := os.Mkdir(dir+"/shared", 0o700); err != nil {
			return err
		}
		g, err := guest.Start(context.Background(), guest.Spec{Name: "sb-test", Tier: guest.Tier(tier), Dir: dir, Shared: dir + "/shared"})
		if err != nil {
			return err
		}
		word := os.Getenv("GUEST_TEST_WORD")
		script := "setsid -f sleep " + word + "; env -i $(command -v setsid) -f $(command -v sleep) " + word + "; sleep " + word
		if _, err := g.Exec(context.Background(), guest.Command{Args: []string{"bash", "-c", script}}); err != nil {
			return err
		}
	}
	fmt.Println("ready")
	select {}
}

func TestSIGKILLOfTheServer(t *testing.T) {
	t.Parallel()
	eachTier(t, func(t *testing.T, tier guest.Tier) {
		word := itoa(400000 + os.Getpid()%50000 + len(tier))
		cmd := helper("server", "GUEST_TEST_TIERS="+string(tier)+" "+string(tier), "GUEST_TEST_WORD="+word, "TMPDIR="+folder(t))
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		line, err := bufio.NewReader(out).ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, "ready\n", line)
		eventually(t, "all run", func() bool { return len(withCommandLine("sleep\x00"+word)) == 6 })
		guests := childrenOf(cmd.Process.Pid)
		require.Len(t, guests, 2)
		require.NoError(t, cmd.Process.Signal(syscall.SIGKILL))
		assert.Error(t, cmd.Wait())
		eventually(t, "no process is left", func() bool { return len(withCommandLine("sleep\x00"+word)) == 0 })
		for _, pid := range guests {
			eventually(t, "no guest is left", func() bool { return !alive(pid) })
		}
	})
}

func childrenOf(parent int) (pids []int) {
	for _, pid := range withCommandLine("sandflare-guest") {
		stat, err := os.ReadFile("/proc/" + itoa(pid) + "/stat")
		if err == nil && atoi(strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))[1]) == parent {
			pids = append(pids, pid)
		}
	}
	return pids
}

func TestStartErrors(t *testing.T) {
	t.Parallel()
	_, err := guest.Start(t.Context(), guest.Spec{Tier: "other", Dir: "/x", Shared: "/x"})
	require.ErrorContains(t, err, "no tier")
	_, err = guest.Start(t.Context(), guest.Spec{Tier: guest.ProcessTier, Dir: "relative", Shared: "/x"})
	require.ErrorContains(t, err, "absolute")
	eachTier(t, func(t *testing.T, tier guest.Tier) {
		s := spec(t, tier)
		s.Dir += "/missing/deep"
		_, err := guest.Start(t.Context(), s)
		require.ErrorIs(t, err, os.ErrNotExist)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = guest.Start(ctx, spec(t, tier))
		require.ErrorIs(t, err, context.Canceled)
	})
}

func TestProbe(t *testing.T) {
	t.Parallel()
	best, err := guest.Probe(t.Context(), "")
	require.NoError(t, err)
	process, err := guest.Probe(t.Context(), guest.ProcessTier)
	require.NoError(t, err)
	assert.Equal(t, guest.ProcessTier, process.Tier)
	exact, err := guest.Probe(t.Context(), guest.Namespace)
	if err != nil {
		assert.Equal(t, guest.ProcessTier, best.Tier)
		assert.NotEmpty(t, best.Reason)
		return
	}
	assert.Equal(t, guest.Support{Tier: guest.Namespace}, best)
	assert.Equal(t, best, exact)
}
