//go:build linux

package guest_test

import (
	"context"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/local/guest"
)

// escapes are ways to get out of a command's process group, session and
// environment. Each starts a process named by $0's argument, a number of seconds.
var escapes = map[string]string{
	"child":                 "sleep $1 & wait",
	"background":            "sleep $1 & sleep 1000",
	"nohup":                 "nohup sleep $1 >/dev/null 2>&1 & sleep 1000",
	"setsid":                "setsid sleep $1 & sleep 1000",
	"setsid fork":           "setsid -f sleep $1; sleep 1000",
	"double fork":           "( ( sleep $1 & ) & ); sleep 1000",
	"emptied environment":   "env -i $(command -v setsid) -f $(command -v sleep) $1; sleep 1000",
	"all together":          "( ( nohup env -i $(command -v setsid) -f $(command -v sleep) $1 >/dev/null 2>&1 & ) & ); sleep 1000",
	"new user namespace":    "unshare -U sleep $1 2>/dev/null & (sleep $1 & ); sleep 1000",
	"stopped":               "sleep $1 & until grep -q sleep /proc/$!/comm; do :; done; kill -STOP $!; sleep 1000",
	"ignores what it can":   "(trap '' TERM INT HUP; sleep $1) & sleep 1000",
	"keeps forking":         "f() { while :; do (sleep $1 & ) ; sleep .02; done; }; f $1 & f $1 & sleep 1000",
	"another working group": "set -m; sleep $1 & sleep 1000",
}

func TestKillTree(t *testing.T) {
	t.Parallel()
	eachTier(t, func(t *testing.T, tier guest.Tier) {
		g := start(t, tier)
		earlier := run(t, g, guest.Command{Args: []string{"bash", "-c", "setsid -f sleep 7777; sleep 7777 & echo"}})
		require.Zero(t, earlier.exit.Code)
		eventually(t, "the earlier ones run", func() bool { return len(sleepers(t, g, "7777")) == 2 })
		seconds := 100000
		for name, script := range escapes {
			seconds++
			word := itoa(seconds)
			for _, way := range []string{"timeout", "cancel"} {
				t.Run(name+" "+way, func(t *testing.T) {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					cmd := guest.Command{Args: []string{"bash", "-c", script, "-", word}}
					want := guest.Exit{Code: 137}
					if way == "timeout" {
						cmd.Timeout = 400 * time.Millisecond
						want = guest.Exit{Code: 124, TimedOut: true}
					}
					p, err := g.Exec(ctx, cmd)
					require.NoError(t, err)
					if way == "cancel" {
						eventually(t, "the escape runs", func() bool { return len(sleepers(t, g, word)) > 0 })
						cancel()
					}
					assert.Equal(t, want, finish(t, p).exit)
					assert.Empty(t, sleepers(t, g, word))
				})
			}
		}
		assert.Len(t, sleepers(t, g, "7777"), 2, "earlier commands' background processes stay")
	})
}

func TestKillAll(t *testing.T) {
	t.Parallel()
	eachTier(t, func(t *testing.T, tier guest.Tier) {
		g, other := start(t, tier), start(t, tier)
		running := func(g *guest.Guest) int {
			list, err := g.Processes()
			require.NoError(t, err)
			return len(list)
		}
		output(t, other, "sleep 1000 >/dev/null 2>&1 & echo")
		for _, script := range escapes {
			p, err := g.Exec(t.Context(), guest.Command{Args: []string{"bash", "-c", script, "-", "7654"}})
			require.NoError(t, err)
			eventually(t, "it runs", func() bool { return len(sleepers(t, g, "7654")) > 0 })
			require.NoError(t, g.KillAll())
			assert.Zero(t, running(g), script)
			assert.Equal(t, 137, finish(t, p).exit.Code)
		}
		require.NoError(t, g.KillAll(), "of nothing")
		assert.Equal(t, "still", output(t, g, "echo still"))
		assert.Equal(t, 1, running(other), "no other sandbox's")
	})
}

// A process that sheds its limit and, by a user namespace, its UTS namespace is still found.
func TestKillOfStrays(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	g := start(t, guest.Namespace)
	if bash(t, g, "command -v prlimit && unshare -Uu true").exit.Code != 0 {
		t.Skip("needs prlimit, unshare and user namespaces inside")
	}
	stray := func(word string) string {
		return "(setsid prlimit --rttime=99999999 unshare -Uu sleep " + word + " </dev/null >/dev/null 2>&1 &)"
	}
	output(t, g, stray("8888888"))
	eventually(t, "the earlier one runs", func() bool { return len(sleepers(t, g, "8888888")) > 0 })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p, err := g.Exec(ctx, guest.Command{Args: []string{"bash", "-c", "sleep .1; " + stray("7654321") + "; sleep 1000"}})
	require.NoError(t, err)
	eventually(t, "the stray runs", func() bool { return len(sleepers(t, g, "7654321")) > 0 })
	cancel()
	finish(t, p)
	assert.Empty(t, sleepers(t, g, "7654321"))
	assert.Len(t, sleepers(t, g, "8888888"), 1, "an earlier command's stays")
}

func sleepers(t *testing.T, g *guest.Guest, word string) (found []string) {
	t.Helper()
	list, err := g.Processes()
	require.NoError(t, err)
	for _, p := range list {
		if strings.HasSuffix(p.Command, "sleep "+word) {
			found = append(found, p.Command)
		}
	}
	return found
}

func TestProcesses(t *testing.T) {
	t.Parallel()
	eachTier(t, func(t *testing.T, tier guest.Tier) {
		g := start(t, tier)
		began := time.Now()
		p, err := g.Exec(t.Context(), guest.Command{Args: []string{"bash", "-c", "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo ready; sleep 1000; true"}})
		require.NoError(t, err)
		_, err = io.ReadFull(p.Stdout, make([]byte, 6))
		require.NoError(t, err)
		list, err := g.Processes()
		require.NoError(t, err)
		found := false
		for _, info := range list {
			assert.NotContains(t, info.Command, "sandflare-guest")
			if info.PID != p.PID {
				continue
			}
			found = true
			assert.True(t, strings.HasPrefix(info.Command, "bash -c i=0;"), info.Command)
			assert.Positive(t, info.CPUTime)
			assert.Positive(t, info.RSSBytes)
			assert.WithinDuration(t, began, info.Started, 2*time.Second)
		}
		assert.True(t, found)

		for _, pid := range []int{0, -1, 1, -p.PID} {
			require.ErrorIs(t, g.Kill(pid), syscall.EINVAL, pid)
		}
		require.ErrorIs(t, g.Kill(4194000), syscall.ESRCH)
		require.NoError(t, g.Kill(p.PID))
		assert.Equal(t, 137, finish(t, p).exit.Code)
		require.ErrorIs(t, g.Kill(p.PID), syscall.ESRCH)
	})
}

func TestKillOfForeignProcess(t *testing.T) {
	t.Parallel()
	eachTier(t, func(t *testing.T, tier guest.Tier) {
		a, b := start(t, tier), start(t, tier)
		p, err := a.Exec(t.Context(), guest.Command{Args: []string{"sleep", "1000"}})
		require.NoError(t, err)
		output(t, b, "true") // in its own namespace the same number may be free or gone
		require.ErrorIs(t, b.Kill(p.PID+1000), syscall.ESRCH)
		if tier == guest.ProcessTier {
			require.ErrorIs(t, b.Kill(p.PID), syscall.ESRCH)
		}
		assert.True(t, present(t, a, p.PID))
	})
}

func TestFaults_E7_Pause(t *testing.T) {
	t.Parallel()
	eachTier(t, func(t *testing.T, tier guest.Tier) {
		g := start(t, tier)
		p, err := g.Exec(t.Context(), guest.Command{Args: []string{"bash", "-c", `
			(while :; do :; done) & setsid bash -c 'while :; do :; done' &
			sleep 9998 & kill -STOP $!
			until grep -q stopped /proc/$!/status; do :; done; echo $!; while :; do :; done`}})
		require.NoError(t, err)
		line := make([]byte, 64)
		n, err := p.Stdout.Read(line)
		require.NoError(t, err)
		held := atoi(strings.TrimSpace(string(line[:n])))
		eventually(t, "it takes time", func() bool { return ticks(t, g) > 10*time.Millisecond })

		require.NoError(t, g.Pause())
		before := ticks(t, g)
		time.Sleep(500 * time.Millisecond)
		assert.Equal(t, before, ticks(t, g), "no time is used while paused")
		require.NoError(t, g.Pause(), "again changes nothing")

		require.NoError(t, g.Resume())
		eventually(t, "it goes on", func() bool { return ticks(t, g) > before })
		assert.Equal(t, "T", output(t, g, "ps -o state= -p "+itoa(held)), "what was stopped before stays stopped")
		require.NoError(t, g.Resume(), "again changes nothing")
		require.NoError(t, g.Kill(p.PID))
	})
}

// ticks is the time that all processes have used.
func ticks(t *testing.T, g *guest.Guest) (sum time.Duration) {
	t.Helper()
	list, err := g.Processes()
	require.NoError(t, err)
	for _, p := range list {
		sum += p.CPUTime
	}
	return sum
}
