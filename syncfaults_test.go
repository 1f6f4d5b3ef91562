package sandflare_test

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/sandflaretest"
)

func TestSyncRefusesBadInput(t *testing.T) {
	t.Parallel()
	client, mock := mocked(t)
	sb := client.Sandbox("sb-1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := grow(t, t.TempDir(), map[string]string{"file": ""})
	bad := &sandflare.SyncOptions{Exclude: []string{"["}}
	for name, c := range map[string]struct {
		err, want error
	}{
		"up, missing":      {only(sb.UploadDir(t.Context(), dir+"/none", "x", nil)), fs.ErrNotExist},
		"up, file":         {only(sb.UploadDir(t.Context(), dir+"/file", "x", nil)), syscall.ENOTDIR},
		"up, no local":     {only(sb.UploadDir(t.Context(), "", "x", nil)), sandflare.ErrInvalidArgument},
		"up, NUL local":    {only(sb.UploadDir(t.Context(), "a\x00", "x", nil)), sandflare.ErrInvalidArgument},
		"up, no dir":       {only(sb.UploadDir(t.Context(), dir, "", nil)), sandflare.ErrInvalidArgument},
		"up, NUL":          {only(sb.UploadDir(t.Context(), dir, "a\x00", nil)), sandflare.ErrInvalidArgument},
		"up, no text":      {only(sb.UploadDir(t.Context(), dir, "\xff", nil)), sandflare.ErrInvalidArgument},
		"up, pattern":      {only(sb.UploadDir(t.Context(), dir, "x", bad)), sandflare.ErrInvalidArgument},
		"up, nil context":  {only(sb.UploadDir(noContext, dir, "x", nil)), sandflare.ErrInvalidArgument},
		"up, ended":        {only(sb.UploadDir(ctx, dir, "x", nil)), context.Canceled},
		"up, no sandbox":   {only((*sandflare.Sandbox)(nil).UploadDir(t.Context(), dir, "x", nil)), sandflare.ErrInvalidArgument},
		"down, file":       {only(sb.DownloadDir(t.Context(), "x", dir+"/file", nil)), syscall.ENOTDIR},
		"down, below file": {only(sb.DownloadDir(t.Context(), "x", dir+"/file/x", nil)), syscall.ENOTDIR},
		"down, no local":   {only(sb.DownloadDir(t.Context(), "x", "", nil)), sandflare.ErrInvalidArgument},
		"down, no dir":     {only(sb.DownloadDir(t.Context(), "", dir, nil)), sandflare.ErrInvalidArgument},
		"down, pattern":    {only(sb.DownloadDir(t.Context(), "x", dir, bad)), sandflare.ErrInvalidArgument},
		"down, ended":      {only(sb.DownloadDir(ctx, "x", dir, nil)), context.Canceled},
	} {
		assert.ErrorIs(t, c.err, c.want, name)
		assert.NotErrorIs(t, c.err, sandflare.ErrOutcomeUnknown, name)
	}
	assert.Zero(t, mock.GetTotalCallCount())
}

func TestSyncErrorsTellWhatIsWrong(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	run(t, sb, "touch file; ln -s nowhere dangling")
	from, to := grow(t, t.TempDir(), map[string]string{"a": "1"}), filepath.Join(t.TempDir(), "to")
	_, err := sb.DownloadDir(t.Context(), "none", to, nil)
	require.ErrorIs(t, err, sandflare.ErrNotFound)
	assert.ErrorIs(t, err, fs.ErrNotExist)
	assert.True(t, strings.HasPrefix(err.Error(), `sandflare: download folder from "`+sb.Name()+`": `), err)
	assert.NoDirExists(t, to)
	for _, name := range []string{"file", "dangling"} {
		_, err = sb.DownloadDir(t.Context(), name, to, nil)
		require.ErrorIs(t, err, syscall.ENOTDIR)
		_, err = sb.UploadDir(t.Context(), from, name, nil)
		require.ErrorIs(t, err, syscall.ENOTDIR)
		assert.True(t, strings.HasPrefix(err.Error(), `sandflare: upload folder to "`+sb.Name()+`": `), err)
	}
	_, err = sb.UploadDir(t.Context(), from, "file/below", nil)
	var exit *sandflare.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Contains(t, err.Error(), "mkdir")
	tidy(t, sb)
}

// Whatever goes wrong, no helper file stays in the sandbox.
func TestSyncLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		operation string
		faults    []sandflaretest.Fault
	}{
		"upload refused":     {"file.write", []sandflaretest.Fault{sandflaretest.Status(400)}},
		"upload's answer":    {"file.write", slices.Repeat([]sandflaretest.Fault{sandflaretest.LoseAnswer()}, 4)},
		"unpacking's answer": {"sandbox.exec", []sandflaretest.Fault{sandflaretest.Delay(0), sandflaretest.LoseAnswer()}},
		"unpacking refused":  {"sandbox.exec", []sandflaretest.Fault{sandflaretest.Delay(0), sandflaretest.Status(400)}},
		"unpacking reset":    {"sandbox.exec", []sandflaretest.Fault{sandflaretest.Delay(0), sandflaretest.Reset()}},
		"download cut":       {"file.read", []sandflaretest.Fault{sandflaretest.TruncateAfter(700)}},
		"download refused":   {"file.read", []sandflaretest.Fault{sandflaretest.Status(400)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := sandflaretest.Start(t)
			sb, err := server.Client(sandflare.WithMaxRetryDelay(time.Millisecond)).CreateSandbox(t.Context(), nil)
			require.NoError(t, err)
			from, to := grow(t, t.TempDir(), map[string]string{"d/a": "1", "d/b": strings.Repeat("2", 4000)}), t.TempDir()
			if strings.HasPrefix(name, "download") {
				_, err = sb.UploadDir(t.Context(), from, "x", nil)
				require.NoError(t, err)
			}
			server.Faults().On(c.operation).Then(c.faults...)
			if strings.HasPrefix(name, "download") {
				_, err = sb.DownloadDir(t.Context(), "x", to, nil)
			} else {
				_, err = sb.UploadDir(t.Context(), from, "x", nil)
			}
			require.Error(t, err)
			assert.Empty(t, server.Faults().Unused())
			tidy(t, sb)

			_, err = sb.UploadDir(t.Context(), from, "x", nil)
			require.NoError(t, err, "and the next sync mends it")
			_, err = sb.DownloadDir(t.Context(), "x", to, nil)
			require.NoError(t, err)
			assert.Equal(t, look(t, from), look(t, to), "no half file is left here either")
		})
	}
}

func TestSyncLeavesNothingBehindAfterACancel(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	from, to := grow(t, t.TempDir(), map[string]string{"a": "", "b": "1"}), t.TempDir()
	require.NoError(t, os.Truncate(from+"/a", 64<<20)) // much more than what connections hold
	stopping := func() (context.Context, *sandflare.SyncOptions) {
		ctx, cancel := context.WithCancel(t.Context())
		t.Cleanup(cancel)
		return ctx, &sandflare.SyncOptions{Progress: func(done, _ int64) {
			if done > 1<<20 {
				cancel()
			}
		}}
	}
	ctx, opts := stopping()
	_, err := sb.UploadDir(ctx, from, "x", opts)
	require.ErrorIs(t, err, context.Canceled)
	tidy(t, sb)
	_, err = sb.UploadDir(t.Context(), from, "x", nil)
	require.NoError(t, err)
	ctx, opts = stopping()
	_, err = sb.DownloadDir(ctx, "x", to, opts)
	require.ErrorIs(t, err, context.Canceled)
	tidy(t, sb)
	assert.NotContains(t, look(t, to), "a")
	for name := range look(t, to) {
		assert.NotContains(t, name, ".sandflare")
	}
}

// lateDoor hands on a helper file only when the cancelled caller has tidied up.
type lateDoor struct {
	http.Handler
	cancel         context.CancelFunc
	once           sync.Once
	tidy, complete chan struct{}
}

func (d *lateDoor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	helper := r.Method == http.MethodPost && strings.Contains(r.URL.Query().Get("path"), ".sandflare-")
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	if helper {
		d.cancel()
		<-d.tidy
		defer close(d.complete)
	}
	d.Handler.ServeHTTP(w, r.WithContext(context.WithoutCancel(r.Context())))
	if bytes.Contains(body, []byte("rm -")) {
		d.once.Do(func() { close(d.tidy) })
	}
}

func TestNoHelperFileArrivesAfterACancel(t *testing.T) {
	t.Parallel()
	for name, work := range map[string]func(context.Context, *sandflare.Sandbox) error{
		"sync": func(ctx context.Context, sb *sandflare.Sandbox) error {
			return only(sb.DownloadDir(ctx, "data", t.TempDir(), nil))
		},
		"input": func(ctx context.Context, sb *sandflare.Sandbox) error {
			cmd := sb.Command("cat")
			cmd.Stdin = strings.NewReader("input")
			return cmd.Run(ctx)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := sandflaretest.Start(t)
			direct, err := server.Client().CreateSandbox(t.Context(), nil)
			require.NoError(t, err)
			require.NoError(t, direct.WriteFile(t.Context(), "data/file", []byte("content")))
			target, err := url.Parse(server.URL())
			require.NoError(t, err)
			ctx, cancel := context.WithCancel(t.Context())
			door := &lateDoor{Handler: httputil.NewSingleHostReverseProxy(target), cancel: cancel, tidy: make(chan struct{}), complete: make(chan struct{})}
			front := httptest.NewServer(door)
			defer front.Close()
			client := server.Client(sandflare.WithBaseURL(front.URL))
			require.ErrorIs(t, work(ctx, client.Sandbox(direct.Name())), context.Canceled)
			<-door.complete
			tidy(t, direct)
		})
	}
}

func TestSyncOfAFileThatShrinks(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	from := grow(t, t.TempDir(), map[string]string{"a": strings.Repeat("x", 8<<20)})
	_, err := sb.UploadDir(t.Context(), from, "x", &sandflare.SyncOptions{Progress: func(done, _ int64) {
		if done > 0 {
			os.Truncate(from+"/a", 10)
		}
	}})
	require.ErrorContains(t, err, "became shorter")
	tidy(t, sb)
}

// A pipe in the place of a file is not waited for.
func TestSyncOfAFileThatBecomesAPipe(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	from := grow(t, t.TempDir(), map[string]string{"a": strings.Repeat("x", 1<<20), "b": "1"})
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := exec.CommandContext(t.Context(), "mkfifo", pipe).Run(); err != nil {
		t.Skip("no pipes here:", err)
	}
	_, err := sb.UploadDir(t.Context(), from, "x", &sandflare.SyncOptions{Progress: func(done, _ int64) {
		if done > 0 {
			os.Rename(pipe, from+"/b")
		}
	}})
	require.ErrorContains(t, err, "b is no regular file any more")
}

// tools puts programs in front of those that the sandbox has.
func tools(t *testing.T, sb *sandflare.Sandbox, programs map[string]string) {
	t.Helper()
	for name, content := range programs {
		require.NoError(t, sb.WriteFile(t.Context(), "/home/user/tools/"+name, []byte(content)))
	}
	run(t, sb, "chmod +x /home/user/tools/*")
	require.NoError(t, sb.SetEnv(t.Context(), map[string]string{"PATH": "/home/user/tools:/usr/local/bin:/usr/bin:/bin"}))
}

// Where find and tar can do less, all but fractions of seconds is kept.
func TestSyncWithOtherTools(t *testing.T) {
	t.Parallel()
	t.Run("like busybox", func(t *testing.T) {
		t.Parallel()
		sb := sandbox(t)
		tools(t, sb, map[string]string{
			"find": "#!/bin/bash\nfor a; do [ \"$a\" != -printf ] || exit 1; done\nexec /usr/bin/find \"$@\"",
			"tar": "#!/bin/bash\ncase $1 in --version) exit 1;; -x) ! grep -q PaxHeaders \"${@: -1}\" || exit 2;; esac\n" +
				"PATH=/usr/bin:/bin; exec tar \"$@\"",
		})
		testCoarseSync(t, sb)
	})
	t.Run("files change while they are packed", func(t *testing.T) {
		t.Parallel()
		sb := sandbox(t)
		run(t, sb, "mkdir x; echo a >x/a")
		tools(t, sb, map[string]string{"tar": "#!/bin/bash\nPATH=/usr/bin:/bin; tar \"$@\" && [ \"$1\" = --version ]"})
		down, err := sb.DownloadDir(t.Context(), "x", t.TempDir(), nil)
		require.NoError(t, err)
		assert.Equal(t, &sandflare.SyncResult{Files: 1, Sent: 1, Bytes: 2}, down)
	})
	t.Run("a file shrinks while it is packed", func(t *testing.T) {
		t.Parallel()
		sb := sandbox(t)
		run(t, sb, "mkdir x; echo a >x/a")
		tools(t, sb, map[string]string{"tar": "#!/bin/bash\nPATH=/usr/bin:/bin; tar \"$@\"\n" +
			"[ \"$1\" = --version ] || { echo 'tar: ./a: File shrank by 2 bytes; padding with zeros' >&2; exit 1; }"})
		_, err := sb.DownloadDir(t.Context(), "x", t.TempDir(), nil)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.ErrorContains(t, err, "./a: File shrank")
		tidy(t, sb)
	})
	t.Run("files cannot be packed", func(t *testing.T) {
		t.Parallel()
		sb := sandbox(t)
		run(t, sb, "mkdir x; echo a >x/a")
		tools(t, sb, map[string]string{"tar": "#!/bin/bash\nPATH=/usr/bin:/bin; [ \"$1\" = --version ] || rm -f a; tar \"$@\""})
		_, err := sb.DownloadDir(t.Context(), "x", t.TempDir(), nil)
		require.ErrorContains(t, err, "./a: Cannot stat")
		tidy(t, sb)
	})
	t.Run("busybox", func(t *testing.T) {
		t.Parallel()
		busybox, err := exec.LookPath("busybox")
		if err != nil {
			t.Skip("no busybox on this machine")
		}
		sb := sandbox(t)
		require.NoError(t, sb.UploadFile(t.Context(), busybox, "/home/user/busybox", nil))
		run(t, sb, "chmod +x /home/user/busybox")
		programs := map[string]string{}
		for _, name := range strings.Fields("tar find stat readlink xargs gzip base64 rm rmdir mkdir chmod") {
			programs[name] = "#!/bin/bash\nexec \"$HOME/busybox\" " + name + ` "$@"`
		}
		tools(t, sb, programs)
		testCoarseSync(t, sb)
	})
}

func testCoarseSync(t *testing.T, sb *sandflare.Sandbox) {
	from, to := motley(t), t.TempDir()
	t.Cleanup(func() { os.Chmod(filepath.Join(to, "sub", "-x"), 0o755) })
	up, err := sb.UploadDir(t.Context(), from, "x", nil)
	require.NoError(t, err)
	again, err := sb.UploadDir(t.Context(), from, "x", nil)
	require.NoError(t, err)
	assert.Zero(t, again.Sent)
	down, err := sb.DownloadDir(t.Context(), "x", to, nil)
	require.NoError(t, err)
	assert.Equal(t, up, down)
	for _, path := range []string{"binary", "hollow", "a b"} {
		require.NoError(t, os.Chtimes(from+"/"+path, time.Time{}, modTime(t, from+"/"+path).Truncate(time.Second)))
		want, err := os.Stat(from + "/" + path)
		require.NoError(t, err)
		got, err := os.Stat(to + "/" + path)
		require.NoError(t, err)
		assert.Equal(t, want.Mode().Perm(), got.Mode().Perm(), path)
		assert.Equal(t, want.ModTime(), got.ModTime(), path)
	}
	fraction := func(tree map[string]string) map[string]string {
		for name, what := range tree {
			if mode, rest, ok := strings.Cut(what, " "); ok && len(mode) >= 10 && len(rest) >= 19 {
				tree[name] = strings.Replace(mode, "dg", "d", 1) + rest[:10] + rest[19:]
			}
		}
		return tree
	}
	assert.Equal(t, fraction(look(t, from)), fraction(look(t, to)))

	run(t, sb, "rm -r x/sub; mkdir x/more; touch x/more/f; rm x/link; mkdir x/link; touch x/link/f")
	result, err := sb.UploadDir(t.Context(), from, "x", &sandflare.SyncOptions{Delete: true})
	require.NoError(t, err)
	assert.Equal(t, &sandflare.SyncResult{Files: up.Files, Sent: 2, Deleted: 4, Bytes: 4}, result)
	assert.Equal(t, "deepa b/c d\n", run(t, sb, "cat x/sub/-x/y; readlink x/link"))
}
