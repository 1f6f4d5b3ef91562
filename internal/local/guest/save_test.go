//go:build linux

package guest_test

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/local/guest"
)

// from begins with a saved tree.
func from(dir string) func(*guest.Spec) { return func(s *guest.Spec) { s.From = dir } }

func TestSave(t *testing.T) {
	t.Parallel()
	eachTier(t, func(t *testing.T, tier guest.Tier) {
		g := start(t, tier)
		output(t, g, `
			printf data > file; chmod 4751 file; touch -d @1600000000 file
			ln file hardlink; ln -s file link; ln -s /no/where dangling; mkfifo fifo
			mkdir -p sub/closed; echo x > sub/closed/x; touch -d @1600000001 sub; chmod 555 sub/closed; chmod 000 sub
			truncate -s 64M sparse; printf end >> sparse
			echo tmp > /tmp/x; echo odd > $'odd\xff'`)
		background, err := g.Exec(t.Context(), guest.Command{Args: []string{"bash", "-c", "while :; do date +%N > changing; done"}})
		require.NoError(t, err)
		saved := folder(t)
		require.NoError(t, g.Save(t.Context(), saved))
		output(t, g, "echo later > file2; chmod 755 sub; rm file hardlink")
		assert.True(t, present(t, g, background.PID), "the sandbox goes on")

		for range 2 { // any number of sandboxes
			copied := start(t, tier, from(saved))
			assert.Equal(t, "4751 1600000000 data", output(t, copied, "echo $(stat -c '%a %Y' file) $(cat file)"))
			assert.Equal(t, "2", output(t, copied, "stat -c %h file"))
			assert.Equal(t, output(t, copied, "stat -c %i file"), output(t, copied, "stat -c %i hardlink"))
			assert.Equal(t, "file /no/where", output(t, copied, "echo $(readlink link) $(readlink dangling)"))
			assert.Equal(t, "fifo", output(t, copied, "stat -c %F fifo"))
			assert.Equal(t, "0 1600000001", output(t, copied, "stat -c '%a %Y' sub"))
			assert.Equal(t, "555 x", output(t, copied, "chmod 755 sub; echo $(stat -c %a sub/closed) $(cat sub/closed/x)"))
			assert.Equal(t, "67108867 end 1", output(t, copied, "echo $(stat -c %s sparse) $(tail -c 3 sparse) $(( $(stat -c %b sparse) < 1000 ))"))
			assert.Equal(t, "tmp odd", output(t, copied, `echo $(cat /tmp/x) $(cat $'odd\xff')`))
			assert.Equal(t, 1, bash(t, copied, "test -e file2").exit.Code)
			list, err := copied.Processes()
			require.NoError(t, err)
			assert.Empty(t, list, "no process comes along")
		}
	})
}

// Changes to the host's folders are saved as well: new files, changed ones, removed ones.
func TestSaveOfSystemFolders(t *testing.T) {
	t.Parallel()
	needSystemFolders(t)
	g := start(t, guest.Namespace)
	output(t, g, "mkdir /usr/local/lib/guest-test; echo new > /usr/local/lib/guest-test/x; echo etc > /etc/guest-test; mkdir -p /data/x")
	if os.Geteuid() == 0 {
		output(t, g, "rm /usr/bin/false; rm -r /usr/share/doc; mkdir /usr/share/doc; echo only > /usr/share/doc/only; echo changed > /usr/bin/true; chown 33:33 /etc/guest-test")
	}
	saved := folder(t)
	require.NoError(t, g.Save(t.Context(), saved))
	require.NoError(t, g.Close())
	g = start(t, guest.Namespace, from(saved))
	assert.Equal(t, "new etc", output(t, g, "echo $(cat /usr/local/lib/guest-test/x /etc/guest-test); test -d /data/x"))
	if os.Geteuid() == 0 {
		assert.Equal(t, "changed only 33:33", output(t, g, "echo $(cat /usr/bin/true) $(ls /usr/share/doc) $(stat -c %u:%g /etc/guest-test)"))
		assert.Equal(t, 1, bash(t, g, "test -e /usr/bin/false").exit.Code)
	}
	again := folder(t)
	require.NoError(t, g.Save(t.Context(), again), "a copy of a copy")
	assert.Equal(t, "new", output(t, start(t, guest.Namespace, from(again)), "cat /usr/local/lib/guest-test/x"))
}

// A tree that was saved with links in place of folders leads nowhere outside.
func TestRestoredLinksStayInside(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	host := folder(t)
	g := start(t, guest.Namespace)
	output(t, g, "mkdir -p "+host+"; rm -rf /workspace /mnt /home/user/v; ln -s "+host+" /workspace; ln -s "+host+" /mnt; ln -s "+host+" /home/user/v")
	saved := folder(t)
	require.NoError(t, g.Save(t.Context(), saved))
	volume := folder(t)
	copied := start(t, guest.Namespace, from(saved), func(s *guest.Spec) { s.Volumes = map[string]string{"/mnt/deep/volume": volume} })
	output(t, copied, "echo x > /workspace/x; echo y > /mnt/deep/volume/y")
	names, err := os.ReadDir(host)
	require.NoError(t, err)
	assert.Empty(t, names)
	assert.FileExists(t, volume+"/y")
}

func TestSaveWhilePaused(t *testing.T) {
	t.Parallel()
	eachTier(t, func(t *testing.T, tier guest.Tier) {
		g := start(t, tier)
		p, err := g.Exec(t.Context(), guest.Command{Args: []string{"bash", "-c", "while :; do :; done"}})
		require.NoError(t, err)
		require.NoError(t, g.Pause())
		require.NoError(t, g.Save(t.Context(), folder(t)))
		used := ticks(t, g)
		for range 20 {
			assert.Equal(t, used, ticks(t, g), "still paused")
		}
		require.NoError(t, g.Resume())
		require.NoError(t, g.Kill(p.PID))
	})
}

func TestSaveErrors(t *testing.T) {
	t.Parallel()
	eachTier(t, func(t *testing.T, tier guest.Tier) {
		g := start(t, tier)
		require.ErrorIs(t, g.Save(t.Context(), folder(t)+"/missing"), os.ErrNotExist)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, g.Save(ctx, folder(t)), context.Canceled)
		assert.Equal(t, "alive", output(t, g, "echo alive"))
		s := spec(t, tier)
		s.From = folder(t) + "/missing"
		_, err := guest.Start(t.Context(), s)
		require.ErrorIs(t, err, os.ErrNotExist)
	})
}

func TestVolumes(t *testing.T) {
	t.Parallel()
	eachTier(t, func(t *testing.T, tier guest.Tier) {
		volume := folder(t)
		at := "/home/user/data"
		with := func(s *guest.Spec) { s.Volumes = map[string]string{at: volume, "/tmp/deep/er": volume} }
		a := start(t, tier, with)
		output(t, a, "echo kept > "+at+"/file; mkdir "+at+"/sub")
		saved := folder(t)
		require.NoError(t, a.Save(t.Context(), saved))
		require.NoError(t, a.Close())
		content, err := os.ReadFile(volume + "/file")
		require.NoError(t, err)
		assert.Equal(t, "kept\n", string(content))
		b := start(t, tier, with, from(saved))
		assert.Equal(t, "kept kept", output(t, b, "echo $(cat /home/user/data/file /tmp/deep/er/file)"))
		write(t, b, at+"/new", "by api")
		assert.FileExists(t, volume+"/new")
		if tier == guest.Namespace {
			assert.Empty(t, output(t, start(t, tier, from(saved)), "ls /home/user/data"), "volumes are no part of what is saved")
		}
	})
}

func TestVolumesAnywhere(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	volume := folder(t)
	g := start(t, guest.Namespace, func(s *guest.Spec) {
		s.Volumes = map[string]string{"/data": volume, "/usr/local/share/guest-test": volume, "/a/b/c": volume}
	})
	output(t, g, "echo x > /data/x; cmp /data/x /usr/local/share/guest-test/x && cmp /data/x /a/b/c/x")
}

func TestVolumesRefused(t *testing.T) {
	t.Parallel()
	volume := folder(t)
	for _, at := range []string{"", "relative", "/", "/tmp", "/home", "/home/user", "/proc", "/proc/x", "/dev/shm", "/sys", "/etc/x", "/a/../b", "/a/", "/nul\x00"} {
		for _, tier := range []guest.Tier{guest.Namespace, guest.ProcessTier} {
			s := spec(t, tier)
			s.Volumes = map[string]string{at: volume}
			_, err := guest.Start(t.Context(), s)
			require.ErrorContains(t, err, "mount path", at)
		}
	}
	s := spec(t, guest.ProcessTier)
	s.Volumes = map[string]string{"/data": volume}
	_, err := guest.Start(t.Context(), s)
	require.ErrorContains(t, err, "process tier")
	s.Volumes = map[string]string{"/tmp/x": volume + "/missing"}
	_, err = guest.Start(t.Context(), s)
	require.ErrorContains(t, err, "no folder")
}

func TestUsage(t *testing.T) {
	t.Parallel()
	eachTier(t, func(t *testing.T, tier guest.Tier) {
		g := start(t, tier)
		before, err := g.Usage()
		require.NoError(t, err)
		output(t, g, "head -c 10M /dev/urandom > file; ln file link; truncate -s 1G sparse")
		after, err := g.Usage()
		require.NoError(t, err)
		assert.InDelta(t, 10<<20, after-before, 1<<20)
	})
}

func TestRemoveAll(t *testing.T) {
	t.Parallel()
	dir := folder(t) + "/tree"
	require.NoError(t, os.MkdirAll(dir+"/a/b/c", 0o755))
	require.NoError(t, os.WriteFile(dir+"/a/b/c/file", nil, 0o400))
	outside := folder(t) + "/outside"
	require.NoError(t, os.WriteFile(outside, nil, 0o600))
	require.NoError(t, os.Symlink(outside, dir+"/a/b/link"))
	for _, closed := range []struct {
		path string
		mode os.FileMode
	}{{"/a/b/c", 0o555}, {"/a/b", 0}, {"/a", 0o555}} {
		require.NoError(t, os.Chmod(dir+closed.path, closed.mode))
	}
	require.NoError(t, guest.RemoveAll(dir))
	assert.NoDirExists(t, dir)
	assert.FileExists(t, outside)
	require.NoError(t, guest.RemoveAll(dir), "again")
}
