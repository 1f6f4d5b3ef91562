//go:build linux

package guest_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/local/guest"
)

func write(t testing.TB, g *guest.Guest, path, content string) {
	t.Helper()
	u, err := g.Create(path)
	require.NoError(t, err)
	_, err = io.WriteString(u.File, content)
	require.NoError(t, err)
	require.NoError(t, u.Commit())
}

func read(t testing.TB, g *guest.Guest, path string) string {
	t.Helper()
	f, err := g.Open(path)
	require.NoError(t, err)
	defer f.Close()
	b, err := io.ReadAll(f)
	require.NoError(t, err)
	return string(b)
}

func TestFiles(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for i := range 256 {
		all.WriteByte(byte(i))
	}
	eachTier(t, func(t *testing.T, tier guest.Tier) {
		g := start(t, tier)
		t.Run("round trip", func(t *testing.T) {
			for _, path := range []string{"/tmp/plain", "relative", "a b+%2f?#&", "häßlich/Ünïcode/日本", "nfd/e\u0301", "new\nline", "\xff\xfe", "-rf", "deep/er/and/deeper", "/tmp/" + strings.Repeat("n", 255)} {
				for _, content := range []string{"", "x", all.String(), strings.Repeat("0123456789", 100_000)} {
					write(t, g, path, content)
					require.Equal(t, content, read(t, g, path), path)
				}
			}
			write(t, g, "/home/user/bytes", all.String())
			assert.Equal(t, all.String(), bash(t, g, "cat bytes").out)
		})
		t.Run("a long path", func(t *testing.T) {
			path := "/tmp" + strings.Repeat("/"+strings.Repeat("d", 200), 15)
			write(t, g, path, "deep")
			assert.Equal(t, "deep", read(t, g, path))
			_, err := g.Create("/tmp/" + strings.Repeat("n", 256))
			require.ErrorIs(t, err, syscall.ENAMETOOLONG)
		})
		t.Run("modes", func(t *testing.T) {
			write(t, g, "mode", "new")
			assert.Equal(t, "644", output(t, g, "stat -c %a mode"))
			output(t, g, "chmod 751 mode")
			write(t, g, "mode", "replaced")
			assert.Equal(t, "751 replaced", output(t, g, "echo $(stat -c %a mode) $(cat mode)"))
			write(t, g, "some/new/folder", "x")
			assert.Equal(t, "755", output(t, g, "stat -c %a some/new"))
		})
		t.Run("links", func(t *testing.T) {
			output(t, g, "mkdir -p real; echo old > real/file; ln -s real/file rel; ln -s $PWD/real/file abs; ln -s rel twice; ln -s missing dangling; ln -s loop loop; ln -s real folder")
			for _, link := range []string{"rel", "abs", "twice", "folder/file"} {
				write(t, g, link, "through "+link)
				assert.Equal(t, "through "+link, output(t, g, "cat real/file"))
			}
			assert.Equal(t, "real/file", output(t, g, "readlink rel"), "the link stays")
			write(t, g, "dangling", "made")
			assert.Equal(t, "made", output(t, g, "cat missing"))
			_, err := g.Create("loop")
			require.ErrorIs(t, err, syscall.ELOOP)
			_, err = g.Open("loop")
			require.ErrorIs(t, err, syscall.ELOOP)
		})
		t.Run("abort leaves nothing", func(t *testing.T) {
			write(t, g, "kept/file", "old")
			u, err := g.Create("kept/file")
			require.NoError(t, err)
			_, err = io.WriteString(u.File, "half")
			require.NoError(t, err)
			assert.Equal(t, "old", read(t, g, "kept/file"))
			require.NoError(t, u.Abort())
			assert.Equal(t, "file old", output(t, g, "cd kept; echo $(ls -A) $(cat file)"))
		})
		t.Run("a device", func(t *testing.T) {
			write(t, g, "/dev/null", "gone")
			assert.Equal(t, "character special file", output(t, g, "stat -c %F /dev/null"))
		})
		t.Run("F10 errors", func(t *testing.T) {
			output(t, g, "mkdir -p folder; mkfifo fifo; ln -s nowhere lost")
			for path, want := range map[string]error{"never": fs.ErrNotExist, "folder": syscall.EISDIR, "mode/below": syscall.ENOTDIR,
				"fifo": syscall.EINVAL, "lost": fs.ErrNotExist, "": syscall.EINVAL, "nul\x00": syscall.EINVAL} {
				_, err := g.Open(path)
				requirePathError(t, err, path, want)
			}
			for path, want := range map[string]error{"folder": syscall.EISDIR, "folder/": syscall.EISDIR, "mode/below": syscall.ENOTDIR, "/": syscall.EISDIR,
				"..": syscall.EISDIR, "": syscall.EINVAL, "nul\x00": syscall.EINVAL, "fifo": syscall.ENXIO} {
				_, err := g.Create(path)
				requirePathError(t, err, path, want)
			}
			for path, want := range map[string]error{"never": fs.ErrNotExist, "mode": syscall.ENOTDIR, "": syscall.EINVAL} {
				_, err := g.ReadDir(path)
				requirePathError(t, err, path, want)
			}
		})
	})
}

func requirePathError(t *testing.T, err error, path string, want error) {
	t.Helper()
	var p *fs.PathError
	require.ErrorAs(t, err, &p, path)
	assert.Equal(t, path, p.Path)
	require.ErrorIs(t, err, want, path)
}

func TestPermissionDenied(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root may read everything; runs again as an ordinary user")
	}
	g := start(t, guest.ProcessTier)
	_, err := g.Open("/etc/shadow")
	requirePathError(t, err, "/etc/shadow", fs.ErrPermission)
	_, err = g.Create("/etc/guest-test")
	requirePathError(t, err, "/etc/guest-test", fs.ErrPermission)
}

// Paths through /proc/self lead into the guest, whose descriptors lead to the host.
func TestFilesDoNotFollowMagicLinks(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	g := start(t, guest.Namespace)
	for fd := range 16 {
		for _, path := range []string{"/proc/self/fd/" + itoa(fd) + "/../../../../etc/hostname", "/proc/1/fd/" + itoa(fd), "/proc/self/cwd/some/file", "/proc/self/root/etc/passwd"} {
			output(t, g, "ln -sfn "+path+" link")
			for _, name := range []string{path, "link"} {
				_, err := g.Open(name)
				require.Error(t, err, path)
				_, err = g.ReadDir(name)
				require.Error(t, err, path)
				if strings.Count(path, "/") > 4 { // else the link's text is followed, inside
					_, err = g.Create(name)
					require.Error(t, err, path)
				}
			}
		}
	}
}

func TestReadDir(t *testing.T) {
	t.Parallel()
	eachTier(t, func(t *testing.T, tier guest.Tier) {
		g := start(t, tier)
		output(t, g, `mkdir -p d/folder; cd d; printf 12345 > file; ln -s file link; ln -s folder dirlink; ln -s nowhere lost; touch $'odd\xff' .hidden; touch -d @1700000000 file`)
		list, err := g.ReadDir("d")
		require.NoError(t, err)
		var names []string
		kinds := map[string]bool{}
		for _, e := range list {
			names = append(names, e.Name)
			kinds[e.Name] = e.IsDir
			if e.Name == "file" || e.Name == "link" {
				assert.EqualValues(t, 5, e.Size)
				assert.Equal(t, time.Unix(1700000000, 0), e.ModTime)
			}
		}
		assert.Equal(t, []string{".hidden", "dirlink", "file", "folder", "link", "lost", "odd\xff"}, names)
		assert.Equal(t, map[string]bool{".hidden": false, "dirlink": true, "file": false, "folder": true, "link": false, "lost": false, "odd\xff": false}, kinds)
		empty, err := g.ReadDir("d/folder")
		require.NoError(t, err)
		assert.Empty(t, empty)
		root, err := g.ReadDir("/")
		require.NoError(t, err)
		assert.True(t, slices.ContainsFunc(root, func(e guest.Entry) bool { return e.Name == "usr" && e.IsDir }))
	})
}

func TestReadDirOfManyEntries(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	g := start(t, guest.Namespace)
	const n = 20_000
	output(t, g, "mkdir /dev/shm/many; cd /dev/shm/many; seq 1 20000 | xargs touch")
	list, err := g.ReadDir("/dev/shm/many")
	require.NoError(t, err)
	assert.Len(t, list, n)
}

func TestFilesAtOnce(t *testing.T) {
	t.Parallel()
	eachTier(t, func(t *testing.T, tier guest.Tier) {
		g := start(t, tier)
		errs := make(chan error)
		for i := range 50 {
			go func() {
				u, err := g.Create("sub/same")
				if err == nil {
					_, err = io.WriteString(u.File, strings.Repeat(itoa(i%10), 5000))
					err = errors.Join(err, u.Commit())
				}
				errs <- err
			}()
		}
		for range 50 {
			require.NoError(t, <-errs)
		}
		content := read(t, g, "sub/same")
		assert.Equal(t, strings.Repeat(content[:1], 5000), content, "one of them, whole")
		assert.Equal(t, "same", output(t, g, "ls -A sub"))
	})
}
