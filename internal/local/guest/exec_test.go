//go:build linux

package guest_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/local/guest"
)

func TestExec(t *testing.T) {
	t.Parallel()
	eachTier(t, func(t *testing.T, tier guest.Tier) {
		g := start(t, tier, func(s *guest.Spec) {
			s.Env = []string{"A=spec", "B=spec", "PATH=" + os.Getenv("PATH") + ":/usr/bin:/bin"}
		})
		t.Run("streams are kept apart", func(t *testing.T) {
			assert.Equal(t, result{"out\n", "err\n", guest.Exit{Code: 42}}, bash(t, g, "echo out; echo err >&2; exit 42"))
		})
		t.Run("E1 exit codes", func(t *testing.T) {
			for script, code := range map[string]int{"exit 0": 0, "exit 1": 1, "exit 42": 42, "exit 255": 255,
				"kill -KILL $$": 137, "kill -SEGV $$": 139, "kill -TERM $$": 143} {
				assert.Equal(t, code, bash(t, g, script).exit.Code, script)
			}
		})
		t.Run("E2 not found, not executable, bad folder", func(t *testing.T) {
			r := run(t, g, guest.Command{Args: []string{"no-such-program"}})
			assert.Equal(t, result{"", "no-such-program: command not found\n", guest.Exit{Code: 127}}, r)
			r = run(t, g, guest.Command{Args: []string{"/no/such/program"}})
			assert.Equal(t, result{"", "/no/such/program: No such file or directory\n", guest.Exit{Code: 127}}, r)
			r = run(t, g, guest.Command{Args: []string{"/etc/passwd"}})
			assert.Equal(t, result{"", "/etc/passwd: Permission denied\n", guest.Exit{Code: 126}}, r)
			r = run(t, g, guest.Command{Args: []string{"/usr"}})
			assert.Equal(t, 126, r.exit.Code)
			r = run(t, g, guest.Command{Args: []string{"true"}, Dir: "/no/such/folder"})
			assert.Equal(t, result{"", "cd: /no/such/folder: No such file or directory\n", guest.Exit{Code: 1}}, r)
			r = run(t, g, guest.Command{Args: []string{"true"}, Dir: "/etc/passwd"})
			assert.Equal(t, result{"", "cd: /etc/passwd: Not a directory\n", guest.Exit{Code: 1}}, r)
		})
		t.Run("a script without a first line", func(t *testing.T) {
			output(t, g, "printf 'echo ran $1' > script; chmod +x script")
			assert.Equal(t, "ran it\n", run(t, g, guest.Command{Args: []string{"./script", "it"}}).out)
		})
		t.Run("E6 nothing to read, no terminal", func(t *testing.T) {
			assert.Equal(t, "end\nnone\n", bash(t, g, "cat; echo end; tty -s || echo none; exec 2>/dev/null; cat </dev/tty").out)
		})
		t.Run("standard input", func(t *testing.T) {
			r, w, err := os.Pipe()
			require.NoError(t, err)
			p, err := g.Exec(t.Context(), guest.Command{Args: []string{"cat"}, Stdin: r})
			require.NoError(t, err)
			require.NoError(t, r.Close())
			_, err = w.WriteString("from the host")
			require.NoError(t, err)
			require.NoError(t, w.Close())
			assert.Equal(t, "from the host", finish(t, p).out)
		})
		t.Run("environment", func(t *testing.T) {
			r := run(t, g, guest.Command{Args: []string{"bash", "-c", "echo $A $B $C"}, Env: []string{"B=own", "C=own"}})
			assert.Equal(t, "spec own own\n", r.out)
			assert.Equal(t, output(t, g, "cd /home/user; pwd"), output(t, g, "echo $HOME"))
			assert.Equal(t, output(t, g, "cd /tmp; pwd"), strings.TrimSpace(run(t, g, guest.Command{Args: []string{"pwd"}, Dir: "/tmp"}).out))
		})
		t.Run("arguments are any bytes", func(t *testing.T) {
			arg := "a b\n\xff\xfe'\"$"
			assert.Equal(t, arg, run(t, g, guest.Command{Args: []string{"printf", "%s", arg}}).out)
		})
		t.Run("a large environment and a large argument", func(t *testing.T) {
			big := strings.Repeat("x", 100<<10)
			r := run(t, g, guest.Command{Args: []string{"bash", "-c", "echo ${#1} ${#BIG}", "-", big}, Env: []string{"BIG=" + big}})
			assert.Equal(t, "102400 102400\n", r.out)
			r = run(t, g, guest.Command{Args: []string{"true", strings.Repeat("x", 4<<20)}})
			assert.Equal(t, result{"", "true: Argument list too long\n", guest.Exit{Code: 126}}, r)
		})
		t.Run("signals go to the group", func(t *testing.T) {
			p, err := g.Exec(t.Context(), guest.Command{Args: []string{"bash", "-c", "trap 'echo caught; exit 3' INT; echo ready; sleep 1000 & wait"}})
			require.NoError(t, err)
			_, err = io.ReadFull(p.Stdout, make([]byte, 6))
			require.NoError(t, err)
			require.NoError(t, p.Signal(syscall.SIGINT))
			r := finish(t, p)
			assert.Equal(t, "caught\n", r.out)
			assert.Equal(t, 3, r.exit.Code)
			assert.ErrorIs(t, p.Signal(syscall.SIGINT), os.ErrProcessDone)
		})
		t.Run("no descriptor but its own reaches a command", func(t *testing.T) {
			fd, err := syscall.Open(os.DevNull, syscall.O_RDONLY, 0) // not closed on exec: what a careless parent leaves
			require.NoError(t, err)
			defer syscall.Close(fd)
			g := start(t, tier)
			assert.Equal(t, "0\n1\n2\n3", output(t, g, "ls /proc/self/fd")) // 3 is ls's own
		})
		t.Run("nothing to run, or too late", func(t *testing.T) {
			_, err := g.Exec(t.Context(), guest.Command{})
			require.Error(t, err)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err = g.Exec(ctx, guest.Command{Args: []string{"true"}})
			require.ErrorIs(t, err, context.Canceled)
		})
	})
}

func TestOutput(t *testing.T) {
	t.Parallel()
	eachTier(t, func(t *testing.T, tier guest.Tier) {
		g := start(t, tier)
		t.Run("E4 a background child that holds stdout", func(t *testing.T) {
			r := bash(t, g, "(sleep 1000; echo late) & echo before; exit 5")
			assert.Equal(t, result{"before\n", "", guest.Exit{Code: 5}}, r)
		})
		t.Run("a background child that never stops writing", func(t *testing.T) {
			assert.Equal(t, 0, bash(t, g, "yes & echo $!; exit 0").exit.Code)
		})
		t.Run("a background child lives on when nobody reads", func(t *testing.T) {
			pid := output(t, g, "(echo early; until [ -e /tmp/go ]; do sleep .01; done; echo late; echo alive > /tmp/alive) & echo $!")
			output(t, g, "touch /tmp/go")
			assert.Equal(t, "alive", output(t, g, "until [ -s /tmp/alive ]; do sleep .01; done; cat /tmp/alive"), pid)
		})
		t.Run("nothing written before the exit is lost", func(t *testing.T) {
			for range 20 {
				r := bash(t, g, "head -c 65000 /dev/zero; sleep 1000 & exit 0")
				assert.Len(t, r.out, 65000)
			}
		})
		t.Run("E5 much output in constant memory", func(t *testing.T) {
			const size = 100 << 20
			p, err := g.Exec(t.Context(), guest.Command{Args: []string{"head", "-c", "104857600", "/dev/zero"}})
			require.NoError(t, err)
			n, err := io.Copy(io.Discard, p.Stdout)
			require.NoError(t, err)
			assert.EqualValues(t, size, n)
			assert.Zero(t, finish(t, p).exit.Code)
		})
		t.Run("it comes as it is written", func(t *testing.T) {
			p, err := g.Exec(t.Context(), guest.Command{Args: []string{"bash", "-c", "echo one; until [ -e /tmp/next ]; do sleep .01; done; echo two"}})
			require.NoError(t, err)
			line := make([]byte, 4)
			_, err = io.ReadFull(p.Stdout, line)
			require.NoError(t, err)
			assert.Equal(t, "one\n", string(line))
			output(t, g, "touch /tmp/next")
			assert.Equal(t, "two\n", finish(t, p).out)
		})
	})
}

func TestTimeoutAndCancel(t *testing.T) {
	t.Parallel()
	eachTier(t, func(t *testing.T, tier guest.Tier) {
		g := start(t, tier)
		t.Run("E3 timeout keeps what was printed", func(t *testing.T) {
			r := run(t, g, guest.Command{Args: []string{"bash", "-c", "echo before; sleep 1000"}, Timeout: 3 * time.Second})
			assert.Equal(t, result{"before\n", "", guest.Exit{Code: 124, TimedOut: true}}, r)
		})
		t.Run("in time", func(t *testing.T) {
			r := run(t, g, guest.Command{Args: []string{"true"}, Timeout: time.Minute})
			assert.Equal(t, guest.Exit{}, r.exit)
		})
		t.Run("cancel", func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			p, err := g.Exec(ctx, guest.Command{Args: []string{"bash", "-c", "echo ready; sleep 1000"}})
			require.NoError(t, err)
			_, err = io.ReadFull(p.Stdout, make([]byte, 6))
			require.NoError(t, err)
			cancel()
			assert.Equal(t, guest.Exit{Code: 137}, finish(t, p).exit)
			assert.False(t, present(t, g, p.PID))
		})
		t.Run("end of the sandbox", func(t *testing.T) {
			other := start(t, tier)
			p, err := other.Exec(t.Context(), guest.Command{Args: []string{"sleep", "1000"}})
			require.NoError(t, err)
			require.NoError(t, other.Close())
			exit, err := p.Wait()
			assert.Equal(t, 137, exit.Code)
			if tier == guest.Namespace {
				require.ErrorIs(t, err, guest.ErrEnded)
			}
			rest, err := io.ReadAll(p.Stdout)
			require.NoError(t, err)
			assert.Empty(t, rest)
			_, err = other.Exec(t.Context(), guest.Command{Args: []string{"true"}})
			require.ErrorIs(t, err, guest.ErrEnded)
			<-other.Done()
		})
	})
}

// present tells whether the sandbox still has a process.
func present(t *testing.T, g *guest.Guest, pid int) bool {
	t.Helper()
	list, err := g.Processes()
	require.NoError(t, err)
	for _, p := range list {
		if p.PID == pid {
			return true
		}
	}
	return false
}

func TestManyCommandsAtOnce(t *testing.T) {
	t.Parallel()
	eachTier(t, func(t *testing.T, tier guest.Tier) {
		g := start(t, tier)
		want := bytes.Repeat([]byte("x"), 10000)
		done := make(chan result)
		for i := range 40 {
			go func() { done <- bash(t, g, "printf 'x%.0s' {1..10000}; exit "+itoa(i)) }()
		}
		codes := map[int]bool{}
		for range 40 {
			r := <-done
			assert.Equal(t, string(want), r.out)
			codes[r.exit.Code] = true
		}
		assert.Len(t, codes, 40)
	})
}
