//go:build linux

package guest_test

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/leaks"
	"github.com/sandflare/sandflare-go/internal/local/guest"
)

// helperVar names what a copy of the test binary does instead of testing.
const helperVar = "GUEST_TEST_HELPER"

// helpers run in processes of their own.
var helpers = map[string]func() error{}

func TestMain(m *testing.M) {
	if help := helpers[os.Getenv(helperVar)]; help != nil {
		if err := help(); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(leaks.Run(func() int {
		shared, err := os.MkdirTemp("", "guest-shared-")
		if err != nil {
			panic(err)
		}
		sharedFolder = shared
		probed = sync.OnceValues(func() (guest.Support, error) { return guest.Probe(context.Background(), guest.Namespace) })
		code := m.Run()
		if err := guest.RemoveAll(shared); err != nil {
			panic(err)
		}
		return code
	}))
}

var (
	sharedFolder string // as one server has for all its sandboxes
	probed       func() (guest.Support, error)
)

// eachTier runs a test in both tiers.
func eachTier(t *testing.T, test func(t *testing.T, tier guest.Tier)) {
	for _, tier := range []guest.Tier{guest.Namespace, guest.ProcessTier} {
		t.Run(string(tier), func(t *testing.T) {
			t.Parallel()
			if tier == guest.Namespace {
				needNamespaces(t)
			}
			test(t, tier)
		})
	}
}

// needNamespaces skips where the kernel refuses them.
func needNamespaces(t *testing.T) {
	t.Helper()
	if support, err := probed(); err != nil {
		t.Skipf("the namespace tier does not work here: %s", support.Reason)
	}
}

// needSystemFolders skips where the host's folders cannot be overlaid.
func needSystemFolders(t *testing.T) {
	t.Helper()
	needNamespaces(t)
	if support, _ := probed(); support.Reason != "" {
		t.Skip(support.Reason)
	}
}

// spec is a fresh sandbox's.
func spec(t testing.TB, tier guest.Tier) guest.Spec {
	return guest.Spec{Name: "sb-test", Tier: tier, Dir: folder(t), Shared: sharedFolder}
}

// start runs a sandbox that ends with the test.
func start(t testing.TB, tier guest.Tier, change ...func(*guest.Spec)) *guest.Guest {
	t.Helper()
	s := spec(t, tier)
	for _, c := range change {
		c(&s)
	}
	g, err := guest.Start(t.Context(), s)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, g.Close()) })
	return g
}

// folder is a temporary one that the package's own means remove.
func folder(t testing.TB) string {
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

// finish reads a command's output to its end.
func finish(t testing.TB, p *guest.Process) result {
	t.Helper()
	defer p.Stdout.Close()
	defer p.Stderr.Close()
	var r result
	var reading sync.WaitGroup
	for text, stream := range map[*string]io.Reader{&r.out: p.Stdout, &r.err: p.Stderr} {
		reading.Go(func() {
			b, err := io.ReadAll(stream)
			assert.NoError(t, err)
			*text = string(b)
		})
	}
	reading.Wait()
	var err error
	r.exit, err = p.Wait()
	require.NoError(t, err)
	return r
}

// run runs a command to its end.
func run(t testing.TB, g *guest.Guest, cmd guest.Command) result {
	t.Helper()
	p, err := g.Exec(t.Context(), cmd)
	require.NoError(t, err)
	return finish(t, p)
}

func bash(t testing.TB, g *guest.Guest, script string) result {
	t.Helper()
	return run(t, g, guest.Command{Args: []string{"bash", "-c", script}})
}

// output is what a script prints; it must succeed.
func output(t testing.TB, g *guest.Guest, script string) string {
	t.Helper()
	r := bash(t, g, script)
	require.Zero(t, r.exit.Code, "%s: %s", script, r.err)
	return strings.TrimSpace(r.out)
}

// helper starts a copy of the test binary that runs one of the helpers.
func helper(name string, env ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(append(os.Environ(), helperVar+"="+name), env...)
	return cmd
}

// eventually waits for something that another process does.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			require.FailNow(t, "never: "+what)
		}
	}
}

// alive tells whether a process of the host exists and is no zombie.
func alive(pid int) bool {
	stat, err := os.ReadFile("/proc/" + itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

// withCommandLine finds the host's processes by a word of their command line.
func withCommandLine(word string) (pids []int) {
	names, _ := os.ReadDir("/proc")
	for _, n := range names {
		pid := atoi(n.Name())
		if pid <= 0 || pid == os.Getpid() {
			continue
		}
		line, err := os.ReadFile("/proc/" + n.Name() + "/cmdline")
		if err == nil && strings.Contains(string(line), word) && alive(pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// asUser runs the package's tests once more as an ordinary user.
func TestAsOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("already an ordinary user")
	}
	const nobody = 65534
	dir := folder(t)
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Skipf("cannot change to another user here: %v", err)
	}
	cmd := exec.Command("/proc/self/exe", "-test.short", "-test.timeout=5m")
	if testing.Verbose() {
		cmd.Args = append(cmd.Args, "-test.v")
	}
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + dir, "HOME=" + dir, "GORACE=" + os.Getenv("GORACE")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if testing.Verbose() || err != nil {
		t.Logf("as an ordinary user:\n%s", out)
	}
	if errors.Is(err, os.ErrPermission) {
		t.Skip("cannot change to another user here")
	}
	require.NoError(t, err)
}
