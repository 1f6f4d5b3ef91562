//go:build linux

package guest_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/local/guest"
)

const (
	descriptors = 32 // more than a guest has
	climb       = "/../../../../../../../../../../.."
)

// onHost puts a program into a folder of the host that no sandbox has, and names it by its path.
func onHost(t *testing.T) string {
	t.Helper()
	program, err := os.ReadFile("/usr/bin/true")
	require.NoError(t, err)
	path := folder(t) + "/program"
	require.NoError(t, os.WriteFile(path, program, 0o755))
	return path
}

// A child has the guest's descriptors until it has become its program. None may lead it out.
func TestStartFoldersDoNotLeadOut(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	g := start(t, guest.Namespace)
	host := onHost(t)
	look := []string{"sh", "-c", "pwd -P; ls .." + climb + host}
	for fd := range descriptors {
		for _, at := range []string{"/proc/self/fd/", "/proc/1/fd/", "/proc/thread-self/fd/", "/dev/fd/"} {
			at += itoa(fd)
			output(t, g, "ln -sfn "+at+" /tmp/link; ln -sfn /tmp/link /tmp/twice")
			for _, dir := range []string{at, at + climb, "/tmp/link", "/tmp/link" + climb, "/tmp/twice", "../../tmp/link"} {
				r := run(t, g, guest.Command{Args: look, Dir: dir})
				assert.Equal(t, 1, r.exit.Code, "%s: %s", dir, r.out)
				assert.Contains(t, r.err, "cd: ", dir)
				assert.Empty(t, r.out, dir)
			}
		}
	}
	for _, dir := range []string{"/proc/self/cwd", "/proc/self/root", "/proc/1/cwd", "/proc/1/root/tmp"} {
		assert.Equal(t, 1, run(t, g, guest.Command{Args: look, Dir: dir}).exit.Code, dir)
	}
}

// Programs and the interpreters of scripts are found while the guest's descriptors are still there.
func TestProgramsAreNotFoundOutside(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	g := start(t, guest.Namespace)
	host := onHost(t)
	assert.Equal(t, 127, run(t, g, guest.Command{Args: []string{host}}).exit.Code)
	for fd := range descriptors {
		at := "/proc/self/fd/" + itoa(fd) + climb
		for _, args := range [][]string{{at + host}, {"/tmp/program"}, {"/tmp/script"}} {
			output(t, g, "ln -sfn "+at+host+" /tmp/program; echo '#!"+at+host+"' > /tmp/script; chmod 755 /tmp/script")
			r := run(t, g, guest.Command{Args: args})
			assert.Contains(t, []int{126, 127}, r.exit.Code, "%d %v", fd, args)
		}
		path := "PATH=" + at + strings.TrimSuffix(host, "/program")
		assert.Equal(t, 127, run(t, g, guest.Command{Args: []string{"program"}, Env: []string{path}}).exit.Code)
	}
}

// What a sandbox makes of its home is its own affair; it stays inside.
func TestHomeReplaced(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	g := start(t, guest.Namespace)
	host := onHost(t)
	complaints := map[string]string{"rm -rf /home/user": "No such file", "touch /home/user": "Not a directory"}
	for fd := range descriptors {
		complaints["ln -sfn /proc/self/fd/"+itoa(fd)+" /home/user"] = "cd: /home/user"
	}
	for script, complaint := range complaints {
		r := run(t, g, guest.Command{Args: []string{"sh", "-c", "rm -rf /home/user; " + script}, Dir: "/tmp"})
		require.Zero(t, r.exit.Code, r.err)
		for _, dir := range []string{"", "relative", "/home/user"} {
			stdin, err := os.Open(os.DevNull)
			require.NoError(t, err)
			r = run(t, g, guest.Command{Args: []string{"sh", "-c", "ls .." + climb + host}, Dir: dir, Stdin: stdin})
			require.NoError(t, stdin.Close())
			assert.Equal(t, 1, r.exit.Code, script)
			assert.Contains(t, r.err, "cd: /home/user", script)
			if dir != "relative" {
				assert.Contains(t, r.err, complaint, script)
			}
			assert.Empty(t, r.out, script)
		}
		_, err := g.ReadDir(".")
		require.Error(t, err, script)
	}
	assert.Equal(t, "/tmp", strings.TrimSpace(run(t, g, guest.Command{Args: []string{"pwd"}, Dir: "/tmp"}).out), "it works on")
}

// A folder that is swapped while it is entered is entered as it was checked, or not at all.
func TestStartFolderSwapped(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	g := start(t, guest.Namespace)
	host := onHost(t)
	swap := `cd /tmp; mkdir -p real; while :; do ln -sfn real spot; ln -sfn /proc/self/fd/$((RANDOM % 16)) spot; done`
	swapper, err := g.Exec(t.Context(), guest.Command{Args: []string{"bash", "-c", swap}})
	require.NoError(t, err)
	eventually(t, "it swaps", func() bool { return bash(t, g, "test -L /tmp/spot").exit.Code == 0 })
	for range 100 {
		r := run(t, g, guest.Command{Args: []string{"sh", "-c", "ls .." + climb + host}, Dir: "/tmp/spot"})
		assert.Empty(t, r.out)
	}
	require.NoError(t, g.Kill(swapper.PID))
	finish(t, swapper)
}

// Listings describe what links lead to, but only inside.
func TestListingsDoNotLookOutside(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	g := start(t, guest.Namespace)
	host := onHost(t)
	output(t, g, `mkdir links; cd links; for n in $(seq 0 31); do ln -s /proc/self/fd/$n`+climb+host+` $n; done`)
	list, err := g.ReadDir("links")
	require.NoError(t, err)
	require.Len(t, list, descriptors)
	for _, e := range list {
		assert.Less(t, e.Size, int64(200), "the link's own")
	}
}

// While files are saved the guest holds a folder of the host's; commands wait until it is closed.
func TestNoCommandWhileHostFolderIsOpen(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	g := start(t, guest.Namespace)
	host := onHost(t)
	output(t, g, "mkdir many; cd many; seq 1 5000 | xargs touch; cd; for n in $(seq 0 31); do echo '#!/proc/self/fd/'$n'"+climb+host+"' > /tmp/$n; done; chmod 755 /tmp/*")
	saved := make(chan error, 1)
	dir := folder(t)
	go func() { saved <- g.Save(t.Context(), dir) }()
	for fd := 0; ; fd++ {
		r := run(t, g, guest.Command{Args: []string{"/tmp/" + itoa(fd%descriptors)}, Dir: "/"})
		assert.Equal(t, 127, r.exit.Code)
		select {
		case err := <-saved:
			require.NoError(t, err)
			return
		default:
		}
	}
}

// Devices come from the host, and so would changes of their modes.
func TestDevicesKeepTheirModes(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	g := start(t, guest.Namespace)
	for _, name := range []string{"/dev/null", "/dev/zero", "/dev/random", "/proc/self/fd/0"} {
		r := bash(t, g, "chmod --reference="+name+" "+name)
		assert.Contains(t, r.err, "Read-only file system", name)
	}
}
