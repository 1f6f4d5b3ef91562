package sandflare_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/sandflaretest"
)

// grow makes a tree. A value is a file's content, "-> where" a link, and a name
// that ends in a slash is a folder. Each has a time of change of its own.
func grow(t testing.TB, dir string, tree map[string]string) string {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		path, content := filepath.Join(dir, name), tree[name]
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		if to, ok := strings.CutPrefix(content, "-> "); ok {
			require.NoError(t, os.Symlink(to, path))
		} else if strings.HasSuffix(name, "/") {
			require.NoError(t, os.MkdirAll(path, 0o755))
		} else {
			require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
		}
	}
	at := time.Unix(1_600_000_000, 123_456_789)
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(look(t, dir)))) {
		if at = at.Add(time.Second + time.Nanosecond); !strings.HasPrefix(tree[name], "-> ") {
			require.NoError(t, os.Chtimes(filepath.Join(dir, name), at, at))
		}
	}
	return dir
}

// look tells what a local tree holds: type, mode, time, and content or link.
func look(t testing.TB, dir string) map[string]string {
	t.Helper()
	seen := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name := filepath.ToSlash(strings.TrimPrefix(path, dir+string(filepath.Separator)))
		info, err := os.Lstat(path)
		require.NoError(t, err)
		when := fmt.Sprintf("%v %d", info.Mode(), info.ModTime().UnixNano())
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			seen[name], err = os.Readlink(path)
		case info.Mode().IsRegular():
			data, failed := os.ReadFile(path)
			seen[name], err = when+" "+string(data), failed
		default:
			seen[name] = when
		}
		return err
	}))
	return seen
}

// names are what is in a tree of a sandbox.
func names(t testing.TB, sb *sandflare.Sandbox, dir string) []string {
	t.Helper()
	result, err := sb.Exec(t.Context(), "find . -mindepth 1 -type d -printf '%P/\\n' -o -mindepth 1 -printf '%P\\n' | sort", &sandflare.ExecOptions{Dir: dir})
	require.NoError(t, err)
	require.NoError(t, result.Err())
	return strings.Split(strings.TrimSuffix(result.Stdout, "\n"), "\n")
}

// run runs a command that has to succeed.
func run(t testing.TB, sb *sandflare.Sandbox, command string) string {
	t.Helper()
	result, err := sb.Exec(t.Context(), command, nil)
	require.NoError(t, err)
	require.NoError(t, result.Err(), result.Stderr)
	return result.Stdout
}

// tidy fails unless no helper file stays in the sandbox. A server drops half an
// upload when it sees that the connection is gone, a moment after the client does.
func tidy(t *testing.T, sb *sandflare.Sandbox) {
	t.Helper()
	assert.Eventually(t, func() bool { return run(t, sb, "ls -A /tmp") == "" }, 20*time.Second, 10*time.Millisecond, "helper files in /tmp")
}

// motley is a tree with all that a tree can have.
func motley(t testing.TB) string {
	tree := map[string]string{
		"empty": "", "a b/c d": "blank", "é/世界 😀": "unicode", "-rf": "an option?", "--": "", "sub/-x/y": "deep",
		`q'"$(id)\`: "quotes", `\n\101\\`: "escapes", "[a]*?": "pattern", "new\nline\ttab/in\nit": "control", "hollow/": "", "hollow too/below/": "",
		"link": "-> a b/c d", "dangling": "-> no/such", "outside": "-> /etc/passwd", "odd link": "-> a\nb'\n", "to folder": "-> sub",
		strings.Repeat("long/", 40) + strings.Repeat("n", 200): "long", "binary": "\x00\xff\r\n", " lead": "", "trail ": "", ".hidden": "h",
	}
	if runtime.GOOS == "linux" {
		tree["\xff\xfe"], tree["bad\xffdir/x"], tree["bad link"] = "no text", "x", "-> \xff"
	}
	dir := grow(t, t.TempDir(), tree)
	require.NoError(t, os.Chmod(filepath.Join(dir, "binary"), 0o751))
	require.NoError(t, os.Chmod(filepath.Join(dir, ".hidden"), 0o400))
	require.NoError(t, os.Chmod(filepath.Join(dir, "hollow"), 0o2700)) // the bit is not a permission
	require.NoError(t, os.Chmod(filepath.Join(dir, "sub", "-x"), 0o555))
	t.Cleanup(func() { os.Chmod(filepath.Join(dir, "sub", "-x"), 0o755) })
	return dir
}

func TestSyncKeepsAll(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{"relative": "copy", "absolute": "/home/user/x/y", "odd": "a 'b\"\n$c", "dash": "-rf", "home": "."} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sb := sandbox(t)
			run(t, sb, "rm -f .bash_profile") // of the process tier
			from, to := motley(t), filepath.Join(t.TempDir(), "new", "folder")
			up, err := sb.UploadDir(t.Context(), from, dir, nil)
			require.NoError(t, err)
			down, err := sb.DownloadDir(t.Context(), dir, to, nil)
			require.NoError(t, err)
			want := look(t, from)
			want["hollow"] = strings.Replace(want["hollow"], "dg", "d", 1)
			assert.Equal(t, want, look(t, to))
			assert.Equal(t, up, down)
			assert.Equal(t, &sandflare.SyncResult{Files: up.Files, Sent: up.Files, Bytes: up.Bytes}, up)
			t.Cleanup(func() { os.Chmod(filepath.Join(to, "sub", "-x"), 0o755) })

			up, err = sb.UploadDir(t.Context(), from, dir, nil)
			require.NoError(t, err)
			assert.Equal(t, &sandflare.SyncResult{Files: down.Files}, up, "nothing is sent twice")
			up, err = sb.DownloadDir(t.Context(), dir, to, nil)
			require.NoError(t, err)
			assert.Equal(t, &sandflare.SyncResult{Files: down.Files}, up, "nothing is sent twice")
			tidy(t, sb)
		})
	}
}

// Each change is found by the next sync, in both directions, and nothing else is sent.
func TestSyncSendsWhatChanged(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(t *testing.T, dir string)
		want   sandflare.SyncResult
	}{
		"nothing": {func(*testing.T, string) {}, sandflare.SyncResult{Files: 4}},
		"size": {func(t *testing.T, dir string) {
			at := modTime(t, dir+"/d/a")
			require.NoError(t, os.WriteFile(dir+"/d/a", []byte("longer"), 0))
			require.NoError(t, os.Chtimes(dir+"/d/a", at, at))
		}, sandflare.SyncResult{Files: 4, Sent: 1, Bytes: 6}},
		"a nanosecond": {func(t *testing.T, dir string) {
			at := modTime(t, dir+"/d/a").Add(1)
			require.NoError(t, os.Chtimes(dir+"/d/a", at, at))
		}, sandflare.SyncResult{Files: 4, Sent: 1, Bytes: 1}},
		"mode":          {func(t *testing.T, dir string) { require.NoError(t, os.Chmod(dir+"/d/a", 0o600)) }, sandflare.SyncResult{Files: 4, Sent: 1, Bytes: 1}},
		"folder's mode": {func(t *testing.T, dir string) { require.NoError(t, os.Chmod(dir+"/d", 0o700)) }, sandflare.SyncResult{Files: 4}},
		"folder's time": {func(t *testing.T, dir string) {
			at := modTime(t, dir+"/d").Add(1)
			require.NoError(t, os.Chtimes(dir+"/d", at, at))
		}, sandflare.SyncResult{Files: 4}},
		"link": {func(t *testing.T, dir string) {
			require.NoError(t, os.Remove(dir+"/l"))
			require.NoError(t, os.Symlink("d/b", dir+"/l"))
		}, sandflare.SyncResult{Files: 4, Sent: 1}},
		"new": {func(t *testing.T, dir string) {
			require.NoError(t, os.MkdirAll(dir+"/d/e/f", 0o755))
			require.NoError(t, os.WriteFile(dir+"/d/e/f/new", []byte("1234"), 0o644))
		}, sandflare.SyncResult{Files: 5, Sent: 1, Bytes: 4}},
		"new folder": {func(t *testing.T, dir string) { require.NoError(t, os.Mkdir(dir+"/d/empty", 0o711)) }, sandflare.SyncResult{Files: 4}},
		"rename": {func(t *testing.T, dir string) {
			require.NoError(t, os.Rename(dir+"/d/a", dir+"/d/z"))
		}, sandflare.SyncResult{Files: 4, Sent: 1, Deleted: 1, Bytes: 1}},
		"new folder, unseen by the time": {func(t *testing.T, dir string) {
			at := modTime(t, dir+"/d")
			require.NoError(t, os.Mkdir(dir+"/d/empty", 0o711))
			require.NoError(t, os.Chtimes(dir+"/d", at, at))
		}, sandflare.SyncResult{Files: 4}},
		"removed, unseen by the time": {func(t *testing.T, dir string) {
			at := modTime(t, dir+"/d")
			require.NoError(t, os.Remove(dir+"/d/a"))
			require.NoError(t, os.Chtimes(dir+"/d", at, at))
		}, sandflare.SyncResult{Files: 3, Deleted: 1}},
		"removed":        {func(t *testing.T, dir string) { require.NoError(t, os.Remove(dir+"/d/a")) }, sandflare.SyncResult{Files: 3, Deleted: 1}},
		"folder removed": {func(t *testing.T, dir string) { require.NoError(t, os.RemoveAll(dir+"/d")) }, sandflare.SyncResult{Files: 2, Deleted: 3}},
		"all removed": {func(t *testing.T, dir string) {
			for _, name := range []string{"d", "l", "f"} {
				require.NoError(t, os.RemoveAll(dir+"/"+name))
			}
		}, sandflare.SyncResult{Deleted: 5}},
		"file to folder": {func(t *testing.T, dir string) {
			require.NoError(t, os.Remove(dir+"/f"))
			require.NoError(t, os.MkdirAll(dir+"/f/x", 0o750))
		}, sandflare.SyncResult{Files: 3, Deleted: 1}},
		"folder to file": {func(t *testing.T, dir string) {
			require.NoError(t, os.RemoveAll(dir+"/d"))
			require.NoError(t, os.WriteFile(dir+"/d", []byte("now a file"), 0o600))
		}, sandflare.SyncResult{Files: 3, Sent: 1, Deleted: 3, Bytes: 10}},
		"folder to link": {func(t *testing.T, dir string) {
			require.NoError(t, os.RemoveAll(dir+"/d"))
			require.NoError(t, os.Symlink("/etc", dir+"/d"))
		}, sandflare.SyncResult{Files: 3, Sent: 1, Deleted: 3}},
		"link to folder": {func(t *testing.T, dir string) {
			require.NoError(t, os.Remove(dir+"/l"))
			require.NoError(t, os.Mkdir(dir+"/l", 0o755))
			require.NoError(t, os.WriteFile(dir+"/l/a", []byte("below"), 0o600))
		}, sandflare.SyncResult{Files: 4, Sent: 1, Deleted: 1, Bytes: 5}},
		"link to file": {func(t *testing.T, dir string) {
			require.NoError(t, os.Remove(dir+"/l"))
			require.NoError(t, os.WriteFile(dir+"/l", []byte("file"), 0o600))
		}, sandflare.SyncResult{Files: 4, Sent: 1, Deleted: 1, Bytes: 4}},
		"file to link": {func(t *testing.T, dir string) {
			require.NoError(t, os.Remove(dir+"/f"))
			require.NoError(t, os.Symlink("l", dir+"/f"))
		}, sandflare.SyncResult{Files: 4, Sent: 1, Deleted: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sb := sandbox(t)
			from, to := grow(t, t.TempDir(), map[string]string{"d/a": "1", "d/b": "22", "l": "-> d", "f": "333"}), t.TempDir()
			opts := &sandflare.SyncOptions{Delete: true}
			_, err := sb.UploadDir(t.Context(), from, "x", opts)
			require.NoError(t, err)
			_, err = sb.DownloadDir(t.Context(), "x", to, opts)
			require.NoError(t, err)
			require.Equal(t, look(t, from), look(t, to))

			c.change(t, from)
			up, err := sb.UploadDir(t.Context(), from, "x", opts)
			require.NoError(t, err)
			assert.Equal(t, &c.want, up, "up")
			down, err := sb.DownloadDir(t.Context(), "x", to, opts)
			require.NoError(t, err)
			assert.Equal(t, &c.want, down, "down")
			assert.Equal(t, look(t, from), look(t, to))
			tidy(t, sb)
		})
	}
}

func modTime(t *testing.T, path string) time.Time {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	return info.ModTime()
}

// Without Delete nothing goes but what is in the way.
func TestSyncWithoutDelete(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	from := grow(t, t.TempDir(), map[string]string{"a": "1", "swap": "file"})
	run(t, sb, "mkdir -p x/swap/in x/mine; touch x/mine/file x/swap/in/it")
	up, err := sb.UploadDir(t.Context(), from, "x", nil)
	require.NoError(t, err)
	assert.Equal(t, &sandflare.SyncResult{Files: 2, Sent: 2, Deleted: 3, Bytes: 5}, up)
	assert.Equal(t, []string{"a", "mine/", "mine/file", "swap"}, names(t, sb, "x"))
}

func TestSyncExcludes(t *testing.T) {
	t.Parallel()
	exclude := &sandflare.SyncOptions{Delete: true, Exclude: []string{"*.log\n!keep.log", "/build/", "node_modules", "docs/**/draft"}}
	tree := map[string]string{
		"a": "1", "x.log": "out", "d/y.log": "out", "keep.log": "kept", "build/z": "out", "sub/build/z": "kept",
		"sub/node_modules/m/n": "out", "docs/a/b/draft/t": "out", "draft/t": "kept",
	}
	want := []string{"a", "d/", "docs/", "docs/a/", "docs/a/b/", "draft/", "draft/t", "keep.log", "sub/", "sub/build/", "sub/build/z"}
	sb := sandbox(t)
	from := grow(t, t.TempDir(), tree)
	up, err := sb.UploadDir(t.Context(), from, "x", exclude)
	require.NoError(t, err)
	assert.Equal(t, &sandflare.SyncResult{Files: 4, Sent: 4, Bytes: 13}, up)
	assert.Equal(t, want, names(t, sb, "x"))

	t.Run("are not deleted up", func(t *testing.T) {
		run(t, sb, "cd x; mkdir -p build node_modules/p gone/node_modules gone/other; touch q.log build/obj node_modules/p/f gone/node_modules/f gone/f gone/other/f")
		up, err = sb.UploadDir(t.Context(), from, "x", exclude)
		require.NoError(t, err)
		assert.Equal(t, &sandflare.SyncResult{Files: 4, Deleted: 3}, up, "gone/f, gone/other/f and its folder")
		assert.Equal(t, slices.Sorted(slices.Values(append([]string{"build/", "build/obj", "q.log", "node_modules/", "node_modules/p/", "node_modules/p/f",
			"gone/", "gone/node_modules/", "gone/node_modules/f"}, want...))), slices.Sorted(slices.Values(names(t, sb, "x"))))
	})
	t.Run("nor down", func(t *testing.T) {
		to := grow(t, t.TempDir(), map[string]string{"p.log": "mine", "gone/node_modules/f": "mine", "old": "", "build/mine": ""})
		down, err := sb.DownloadDir(t.Context(), "x", to, exclude)
		require.NoError(t, err)
		assert.Equal(t, 1, down.Deleted)
		there := look(t, to)
		assert.NotContains(t, there, "old")
		assert.NotContains(t, there, "q.log")
		for _, name := range []string{"p.log", "gone/node_modules/f", "build/mine", "a", "gone"} {
			assert.Contains(t, there, name)
		}
	})
	t.Run("nor to make room", func(t *testing.T) {
		require.NoError(t, os.WriteFile(from+"/gone", nil, 0o600))
		_, err = sb.UploadDir(t.Context(), from, "x", exclude)
		require.ErrorContains(t, err, `"gone" has to be replaced, but "gone/node_modules" in it is excluded`)
		assert.Contains(t, names(t, sb, "x"), "gone/node_modules/f")
	})
}

func TestSyncOfAnUnchangedFolderIsOneCall(t *testing.T) {
	t.Parallel()
	server := sandflaretest.Start(t)
	sb, err := server.Client().CreateSandbox(t.Context(), nil)
	require.NoError(t, err)
	from := motley(t)
	for range 2 {
		_, err = sb.UploadDir(t.Context(), from, "x", &sandflare.SyncOptions{Delete: true})
		require.NoError(t, err)
	}
	requests := server.Requests()
	assert.Equal(t, []string{"sandbox.exec", "file.write", "sandbox.exec", "sandbox.exec"}, operations(requests[1:]))
}

func operations(requests []sandflaretest.Request) (list []string) {
	for _, r := range requests {
		list = append(list, r.Operation)
	}
	return list
}

// More files than go into one tar, and large ones, move at the same time; folders keep their times.
func TestSyncInParts(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	tree := map[string]string{}
	for i := range 4200 {
		tree[fmt.Sprintf("d%d/%d", i%7, i)] = fmt.Sprint(i)
	}
	from, to := grow(t, t.TempDir(), tree), t.TempDir()
	for i := range 2 {
		name := fmt.Sprintf("%s/d%d/large", from, i)
		require.NoError(t, os.WriteFile(name, []byte(fmt.Sprint(i)), 0o600))
		require.NoError(t, os.Truncate(name, 40<<20))
	}
	up, err := sb.UploadDir(t.Context(), from, "x", nil)
	require.NoError(t, err)
	down, err := sb.DownloadDir(t.Context(), "x", to, nil)
	require.NoError(t, err)
	assert.Equal(t, 4202, up.Sent)
	assert.Equal(t, up, down)
	assert.True(t, maps.Equal(look(t, from), look(t, to)), "both trees are the same")
	again, err := sb.UploadDir(t.Context(), from, "x", nil)
	require.NoError(t, err)
	assert.Zero(t, again.Sent)
	tidy(t, sb)
}

func TestFaults_F3_SyncTakesConstantMemory(t *testing.T) {
	sb := sandbox(t)
	from, to := t.TempDir(), t.TempDir()
	for _, name := range []string{"/a", "/b"} {
		require.NoError(t, os.WriteFile(from+name, nil, 0o600))
		require.NoError(t, os.Truncate(from+name, 128<<20))
	}
	most := peakHeap(t, func() {
		_, err := sb.UploadDir(t.Context(), from, "x", nil)
		require.NoError(t, err)
		_, err = sb.DownloadDir(t.Context(), "x", to, nil)
		require.NoError(t, err)
	})
	assert.Less(t, most, int64(16<<20))
}

func TestSyncProgress(t *testing.T) {
	t.Parallel()
	server := sandflaretest.Start(t)
	sb, err := server.Client(sandflare.WithMaxRetryDelay(time.Millisecond)).CreateSandbox(t.Context(), nil)
	require.NoError(t, err)
	from := grow(t, t.TempDir(), map[string]string{"a": "1", "b": strings.Repeat("x", 300<<10), "c": "", "l": "-> a"})
	const total = 300<<10 + 1
	var seen []int64
	opts := &sandflare.SyncOptions{Progress: func(done, all int64) {
		assert.EqualValues(t, total, all)
		seen = append(seen, done)
	}}
	server.Faults().On("file.write").Then(sandflaretest.LoseAnswer()) // after all of it was sent
	up, err := sb.UploadDir(t.Context(), from, "x", opts)
	require.NoError(t, err)
	assert.EqualValues(t, total, up.Bytes, "what was sent twice counts once")
	assert.EqualValues(t, 0, seen[0])
	assert.EqualValues(t, total, seen[len(seen)-1])
	assert.False(t, slices.IsSorted(seen), "it went back for the second try")

	seen = nil
	_, err = sb.DownloadDir(t.Context(), "x", t.TempDir(), opts)
	require.NoError(t, err)
	assert.EqualValues(t, 0, seen[0])
	assert.EqualValues(t, total, seen[len(seen)-1])
	assert.True(t, slices.IsSorted(seen))
}

func TestSyncSkipsSpecialFiles(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	from, to := grow(t, t.TempDir(), map[string]string{"a": "1"}), t.TempDir()
	if err := exec.CommandContext(t.Context(), "mkfifo", from+"/pipe").Run(); err != nil {
		t.Skip("no pipes here:", err)
	}
	up, err := sb.UploadDir(t.Context(), from, "x", nil)
	require.NoError(t, err)
	assert.Equal(t, &sandflare.SyncResult{Files: 1, Sent: 1, Bytes: 1}, up)
	assert.Equal(t, []string{"a"}, names(t, sb, "x"))

	run(t, sb, "mkfifo x/pipe")
	down, err := sb.DownloadDir(t.Context(), "x", to, nil)
	require.NoError(t, err)
	assert.Equal(t, &sandflare.SyncResult{Files: 1, Sent: 1, Bytes: 1}, down)
	assert.Len(t, look(t, to), 1)

	grow(t, from, map[string]string{"x": ""})
	require.NoError(t, os.Rename(from+"/x", from+"/pipe"))
	_, err = sb.UploadDir(t.Context(), from, "x", nil)
	require.NoError(t, err)
	assert.Equal(t, "regular empty file\n", run(t, sb, "stat -c %F x/pipe"), "a file takes its place")
}

// A folder that may not be written to is opened for a change, and closed again.
func TestSyncIntoClosedFolders(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	from, to := grow(t, t.TempDir(), map[string]string{"d/e/a": "1", "d/e/old": ""}), t.TempDir()
	closeAll := func(dir string, mode fs.FileMode) {
		require.NoError(t, os.Chmod(dir+"/d", 0o755))
		require.NoError(t, os.Chmod(dir+"/d/e", mode))
		require.NoError(t, os.Chmod(dir+"/d", mode))
	}
	t.Cleanup(func() { closeAll(from, 0o755); closeAll(to, 0o755) })
	opts := &sandflare.SyncOptions{Delete: true}
	for _, content := range []string{"1", "22"} {
		closeAll(from, 0o755)
		require.NoError(t, os.WriteFile(from+"/d/e/a", []byte(content), 0o644))
		os.Remove(from + "/d/e/old")
		closeAll(from, 0o555)
		_, err := sb.UploadDir(t.Context(), from, "x", opts)
		require.NoError(t, err)
		_, err = sb.DownloadDir(t.Context(), "x", to, opts)
		require.NoError(t, err)
		assert.Equal(t, look(t, from), look(t, to))
		assert.Equal(t, "555\n555\n", run(t, sb, "stat -c %a x/d x/d/e"))
		require.NoError(t, os.Chmod(from+"/d", 0o755))
		require.NoError(t, os.Chmod(from+"/d/e", 0o755))
		require.NoError(t, os.WriteFile(from+"/d/e/old", nil, 0o644))
	}
}

// The folder itself may be a link; links in it are never followed.
func TestSyncWithALoudProfile(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	require.NoError(t, sb.WriteFile(t.Context(), ".bash_profile", []byte("echo hello; echo; printf more\n")))
	from, to := grow(t, t.TempDir(), map[string]string{"a": "1"}), t.TempDir()
	_, err := sb.UploadDir(t.Context(), from, "data", nil)
	require.NoError(t, err)
	_, err = sb.DownloadDir(t.Context(), "data", to, nil)
	require.NoError(t, err)
	assert.Equal(t, look(t, from), look(t, to))
}

func TestSyncThroughLinks(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	run(t, sb, "mkdir real other; touch other/safe; ln -s real x; ln -s ../other real/d")
	from := grow(t, t.TempDir(), map[string]string{"d/a": "1"})
	linked := filepath.Join(t.TempDir(), "linked")
	require.NoError(t, os.Symlink(from, linked))
	up, err := sb.UploadDir(t.Context(), linked, "x", &sandflare.SyncOptions{Delete: true})
	require.NoError(t, err)
	assert.Equal(t, &sandflare.SyncResult{Files: 1, Sent: 1, Deleted: 1, Bytes: 1}, up)
	assert.Equal(t, []string{"d/", "d/a"}, names(t, sb, "real"))
	assert.Equal(t, []string{"safe"}, names(t, sb, "other"))

	outside := grow(t, t.TempDir(), map[string]string{"safe": "s"})
	to := grow(t, t.TempDir(), map[string]string{"d": "-> " + outside})
	_, err = sb.DownloadDir(t.Context(), "x", to, &sandflare.SyncOptions{Delete: true})
	require.NoError(t, err)
	assert.Equal(t, look(t, from), look(t, to))
	assert.Len(t, look(t, outside), 1)
}
