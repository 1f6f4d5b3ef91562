//go:build linux

package guest_test

import (
	"errors"
	"io/fs"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/local/guest"
)

// savedAfter is the tree of a sandbox after a script.
func savedAfter(t *testing.T, tier guest.Tier, script string) string {
	t.Helper()
	g := start(t, tier)
	r := run(t, g, guest.Command{Args: []string{"bash", "-c", script}, Dir: "/tmp"})
	require.Zero(t, r.exit.Code, r.err)
	dir := folder(t)
	require.NoError(t, g.Save(t.Context(), dir))
	return dir
}

// What a snapshot put in the place of folders that every sandbox needs does not come back; the folders do.
func TestRestoreOfReplacedFolders(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	for _, path := range []string{"/home/user", "/home", "/tmp", "/etc", "/root"} {
		for _, put := range []string{"true", "touch " + path, "ln -s /proc/self/fd/9 " + path, "ln -s /nowhere " + path, "ln -s /usr " + path, "mkfifo " + path} {
			tree := savedAfter(t, guest.Namespace, "cd /; rm -rf "+path+" && "+put)
			g := start(t, guest.Namespace, from(tree))
			assert.Equal(t, "directory", output(t, g, "stat -c %F "+path), put)
			assert.Equal(t, "/home/user root 1777", output(t, g, "touch new /tmp/new; echo $(pwd -P) $(id -un) $(stat -c %a /tmp)"), "%s %s", path, put)
		}
	}
}

func TestRestoreOfReplacedFoldersInProcessTier(t *testing.T) {
	t.Parallel()
	for _, put := range []string{"true", "touch ~", "ln -s /nowhere ~"} {
		tree := savedAfter(t, guest.ProcessTier, `rm -rf ~ && `+put)
		g := start(t, guest.ProcessTier, from(tree))
		assert.Equal(t, "directory", output(t, g, "stat -c %F ~"), put)
	}
}

// Mount targets are found in the restored tree, whose links lead nowhere else.
func TestRestoreDoesNotMountOutside(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	outside, volume := folder(t), folder(t)
	at := func(path string) func(*guest.Spec) {
		return func(s *guest.Spec) { s.Volumes = map[string]string{path: volume} }
	}
	for fd := range descriptors {
		tree := savedAfter(t, guest.Namespace, "rm -rf /workspace; ln -s /proc/self/fd/"+itoa(fd)+climb+outside+" /workspace")
		s := spec(t, guest.Namespace)
		from(tree)(&s)
		at("/workspace/made/x")(&s)
		_, err := guest.Start(t.Context(), s)
		want := syscall.ELOOP
		if errors.Is(err, syscall.ENOTDIR) { // no such descriptor
			want = syscall.ENOTDIR
		}
		requirePathError(t, err, "/workspace/made/x", want)
		assert.NoDirExists(t, outside+"/made")
	}
	for link, want := range map[string]error{"ln -s /nowhere /workspace": syscall.ENOTDIR, "touch /workspace": syscall.ENOTDIR, "ln -s /workspace /workspace": syscall.ELOOP} {
		s := spec(t, guest.Namespace)
		from(savedAfter(t, guest.Namespace, "rm -rf /workspace; "+link))(&s)
		at("/workspace/x")(&s)
		_, err := guest.Start(t.Context(), s)
		requirePathError(t, err, "/workspace/x", want)
		assert.NotErrorIs(t, err, fs.ErrNotExist, "it would read as an unknown sandbox")
	}
	tree := savedAfter(t, guest.Namespace, "rm -rf /workspace; mkdir /tmp/real; ln -s /tmp/real /workspace")
	g := start(t, guest.Namespace, from(tree), at("/workspace/deep/x"))
	output(t, g, "echo kept > /tmp/real/deep/x/file")
	assert.FileExists(t, volume+"/file", "plain links are followed inside")
}
