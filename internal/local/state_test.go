package local_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/local"
	"github.com/sandflare/sandflare-go/internal/wire"
)

func (a *api) snapshot(sb string, body any) wire.Snapshot {
	a.t.Helper()
	var snap wire.Snapshot
	a.ok("POST", sb+"/snapshot", body, &snap)
	return snap
}

func (a *api) snapshots(query string) []wire.Snapshot {
	a.t.Helper()
	var list struct{ Snapshots []wire.Snapshot }
	a.ok("GET", "/snapshots"+query, nil, &list)
	return list.Snapshots
}

func TestSnapshotAndRestore(t *testing.T) {
	t.Parallel()
	a := start(t, local.Config{})
	sb := a.create(map[string]any{"label": "first", "env_vars": map[string]string{"A": "1"}})
	a.write(sb, "f", "as it was")
	a.out(sb, "mkdir -p data/deep; echo d >data/deep/file; ln -s f link; chmod 750 data; echo t >/tmp/t")
	s := a.stream(sb, "mkfifo p; echo on; read x <p; echo $x")
	require.Equal(t, "stdout on", s.line())
	snap := a.snapshot(sb, map[string]any{"name": "n", "description": "d", "tags": []string{"x", "y"}})
	assert.Equal(t, []string{"n", "d", "ready"}, []string{snap.Name, snap.Description, snap.Status})
	assert.Equal(t, []string{"x", "y"}, snap.Tags)
	assert.Equal(t, snap.ID, snap.SnapshotID)
	assert.Equal(t, sb, "/sandboxes/"+snap.SandboxID)
	assert.Positive(t, snap.SizeMB)
	assert.False(t, snap.AutoCreated)

	a.out(sb, "echo back >p")
	assert.Equal(t, "stdout back", s.line(), "the sandbox runs on")
	a.write(sb, "f", "changed")
	assert.Equal(t, []wire.Snapshot{snap}, a.snapshots("?sandbox_id="+snap.SandboxID))
	a.ok("DELETE", sb, nil, nil)
	assert.Equal(t, []wire.Snapshot{snap}, a.snapshots(""), "it outlives its sandbox")

	restored := a.create(map[string]any{"label": "second", "snapshot_id": snap.ID})
	assert.Equal(t, "as it was", a.read(restored, "f"))
	assert.Equal(t, "as it was d 750 t\n1\n", a.out(restored, `echo "$(cat link) $(cat data/deep/file) $(stat -c %a data) $(cat /tmp/t)"; echo $A`))
	assert.NotContains(t, strings.Join(a.commands(restored), " "), "read", "no processes")
	assert.Equal(t, 1, a.snapshots("")[0].ForkCount)
	a.write(restored, "f", "of the copy")
	again := a.create(map[string]any{"snapshot_id": snap.ID})
	assert.Equal(t, "as it was", a.read(again, "f"), "copies do not share files")
	child := a.snapshot(again, map[string]any{"label": "as the async client says"})
	assert.Equal(t, snap.ID, child.ParentSnapshotID)
	assert.Equal(t, "as the async client says", child.Name)

	a.ok("DELETE", "/snapshots/"+snap.ID, nil, nil)
	a.fails(404, "DELETE", "/snapshots/"+snap.ID, nil)
	a.fails(404, "POST", "/sandboxes", map[string]any{"snapshot_id": snap.ID})
	assert.Equal(t, "as it was", a.read(again, "f"))
	assert.Len(t, a.snapshots(""), 1)
	assert.Empty(t, a.snapshots("?sandbox_id=sb-none"))
}

func TestSnapshotOfPausedStaysPaused(t *testing.T) {
	t.Parallel()
	a := shared(t)
	sb := a.create(nil)
	a.write(sb, "f", "x")
	a.ok("POST", sb+"/pause", nil, nil)
	snap := a.snapshot(sb, nil)
	a.fails(409, "POST", sb+"/exec", map[string]any{"cmd": "true"})
	assert.Equal(t, "x", a.read(a.create(map[string]any{"snapshot_id": snap.ID}), "f"))
}

func TestAutoSnapshots(t *testing.T) {
	t.Parallel()
	a := start(t, local.Config{})
	sb := a.create(map[string]any{"auto_snapshot_interval_mins": 10})
	a.write(sb, "f", "x")
	a.srv.Advance(35 * time.Minute)
	list := a.snapshots("")
	require.Len(t, list, 3)
	for i, snap := range list {
		assert.True(t, snap.AutoCreated)
		if i > 0 {
			assert.InDelta(t, 10, list[i-1].CreatedAt.Sub(snap.CreatedAt.Time).Minutes(), 0.1, "newest first, each at its time")
		}
	}
	assert.Equal(t, "x", a.read(a.create(map[string]any{"snapshot_id": list[0].ID}), "f"))

	var answer wire.AutoSnapshot
	a.ok("POST", sb+"/auto-snapshot", map[string]int{"interval_mins": 5}, &answer)
	assert.Equal(t, wire.AutoSnapshot{Status: "enabled", SandboxID: strings.TrimPrefix(sb, "/sandboxes/"), IntervalMins: 5}, answer)
	a.srv.Advance(5 * time.Minute)
	assert.Len(t, a.snapshots(""), 4, "the new interval replaces the old one")
	a.ok("DELETE", sb+"/auto-snapshot", nil, nil)
	a.srv.Advance(time.Hour)
	assert.Len(t, a.snapshots(""), 4)
	a.fails(400, "POST", sb+"/auto-snapshot", map[string]int{"interval_mins": 4})

	a.ok("POST", sb+"/auto-snapshot", map[string]int{"interval_mins": 5}, nil)
	a.ok("DELETE", sb, nil, nil)
	a.srv.Advance(time.Hour)
	assert.Len(t, a.snapshots(""), 4, "none of a sandbox that is gone")
}

// Of a sandbox's automatic snapshots the newest are kept; others are left alone.
func TestAutoSnapshotsMakeRoom(t *testing.T) {
	t.Parallel()
	a := start(t, local.Config{})
	sb, other := a.create(nil), a.create(map[string]any{"auto_snapshot_interval_mins": 60})
	byHand := a.snapshot(sb, nil)
	a.ok("POST", sb+"/auto-snapshot", map[string]int{"interval_mins": 5}, nil)
	a.srv.Advance(26*5*time.Minute + time.Minute)
	of := func(sb string) []wire.Snapshot {
		return a.snapshots("?sandbox_id=" + strings.TrimPrefix(sb, "/sandboxes/"))
	}
	list := of(sb)
	require.Len(t, list, 24+1)
	assert.Equal(t, byHand.ID, list[24].ID)
	assert.InDelta(t, 3*5, list[23].CreatedAt.Sub(byHand.CreatedAt.Time).Minutes(), 1, "the first two are gone")
	assert.InDelta(t, 26*5, list[0].CreatedAt.Sub(byHand.CreatedAt.Time).Minutes(), 1)
	assert.Len(t, of(other), 2)
}

func TestFork(t *testing.T) {
	t.Parallel()
	a := shared(t)
	sb := a.create(map[string]any{
		"label": "parent", "size": "small", "env_vars": map[string]string{"A": "1"},
		"metadata": map[string]string{"k": "v", wire.RequestIDKey: "r"},
	})
	a.write(sb, "f", "x")
	var forks wire.ForkResult
	a.ok("POST", sb+"/fork", map[string]int{"n": 2}, &forks)
	require.Len(t, forks.Forks, 2)
	for _, fork := range forks.Forks {
		path := "/sandboxes/" + fork.Name
		assert.Equal(t, map[string]string{"k": "v", wire.ForkParentKey: strings.TrimPrefix(sb, "/sandboxes/")}, fork.Metadata)
		assert.Equal(t, []string{"parent", "small"}, []string{fork.Label, fork.Size})
		assert.Equal(t, "x 1\n", a.out(path, "echo $(cat f) $A"))
		a.write(path, "f", fork.Name)
	}
	assert.Equal(t, "x", a.read(sb, "f"))
	assert.Equal(t, forks.Forks[0].Name, a.read("/sandboxes/"+forks.Forks[0].Name, "f"))
	for _, n := range []int{0, 9, -1} {
		a.fails(400, "POST", sb+"/fork", map[string]int{"n": n})
	}
}

func TestVolumes(t *testing.T) {
	t.Parallel()
	a := start(t, local.Config{})
	var vol, got wire.Volume
	a.ok("POST", "/volumes", map[string]any{"name": "my data", "size_gb": 50}, &vol)
	assert.Equal(t, []any{"my data", 50, "ready"}, []any{vol.Name, vol.SizeGB, vol.Status})
	for _, name := range []string{"my%20data", vol.ID} {
		a.ok("GET", "/volumes/"+name, nil, &got)
		assert.Equal(t, vol, got)
	}
	var list []wire.Volume
	a.ok("GET", "/volumes", nil, &list)
	assert.Equal(t, []wire.Volume{vol}, list)
	a.fails(409, "POST", "/volumes", map[string]any{"name": "my data"})
	a.fails(400, "POST", "/volumes", map[string]any{"name": ""})
	a.fails(400, "POST", "/volumes", map[string]any{"name": "a/b"})
	a.fails(400, "POST", "/volumes", map[string]any{"name": "x", "size_gb": -1})
	a.fails(404, "GET", "/volumes/none", nil)
	a.fails(404, "DELETE", "/volumes/none", nil)

	const mount = "/home/user/vol"
	first := a.create(map[string]any{"volumes": map[string]string{mount: vol.ID}})
	second := a.create(map[string]any{"volumes": map[string]string{mount: vol.Name}})
	a.write(first, mount+"/f", "kept")
	assert.Equal(t, "kept", a.read(second, mount+"/f"), "shared while both live")
	a.fails(409, "DELETE", "/volumes/"+vol.ID, nil)
	a.ok("DELETE", first, nil, nil)
	a.ok("DELETE", second, nil, nil)
	third := a.create(map[string]any{"volumes": map[string]string{mount: vol.ID}})
	assert.Equal(t, "kept", a.out(third, "cat vol/f"), "data outlives sandboxes")
	for _, bad := range []string{"relative", "/", "/proc/x", "/etc", "/tmp", "/home/user", "/run", "/var", "/a/../b"} {
		a.fails(400, "POST", "/sandboxes", map[string]any{"volumes": map[string]string{bad: vol.ID}})
	}
	a.ok("DELETE", third, nil, nil)
	a.ok("DELETE", "/volumes/"+vol.ID, nil, nil)
	a.fails(404, "GET", "/volumes/"+vol.ID, nil)
}

// What a data folder keeps is there after a restart; what was half made or
// half removed is not, and does no harm.
func TestDataFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	a := start(t, local.Config{DataDir: dir})
	var vol wire.Volume
	a.ok("POST", "/volumes", map[string]any{"name": "v"}, &vol)
	sb := a.create(map[string]any{
		"env_vars": map[string]string{"A": "1"},
		"volumes":  map[string]string{"/home/user/vol": vol.ID},
	})
	a.write(sb, "f", "x")
	a.write(sb, "vol/g", "y")
	snap := a.snapshot(sb, map[string]any{"name": "kept"})
	_, err := local.Start(t.Context(), local.Config{DataDir: dir})
	require.ErrorContains(t, err, "in use")
	require.NoError(t, a.srv.Close())
	for _, half := range []string{"snapshots/.new-snap-half", "volumes/.gone-vol-half"} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, half, "tree", "sub"), 0o700))
	}

	a = start(t, local.Config{DataDir: dir})
	assert.Equal(t, []wire.Snapshot{snap}, a.snapshots(""))
	sb = a.create(map[string]any{"snapshot_id": snap.ID, "volumes": map[string]string{"/home/user/vol": "v"}})
	assert.Equal(t, "x y 1\n", a.out(sb, "echo $(cat f) $(cat vol/g) $A"))
	a.ok("DELETE", sb, nil, nil)
	a.ok("DELETE", "/snapshots/"+snap.ID, nil, nil)
	a.ok("DELETE", "/volumes/v", nil, nil)
	require.NoError(t, a.srv.Close())
	for _, kind := range []string{"snapshots", "volumes"} {
		left, err := os.ReadDir(filepath.Join(dir, kind))
		require.NoError(t, err)
		assert.Empty(t, left, kind)
	}
	info, err := os.Stat(dir)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o700), info.Mode().Perm())
}

func TestBrokenDataFolderIsNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	broken := filepath.Join(dir, "snapshots", "snap-1")
	require.NoError(t, os.MkdirAll(broken, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(broken, "record.json"), []byte(`{"id":`), 0o600))
	_, err := local.Start(t.Context(), local.Config{DataDir: dir})
	assert.ErrorContains(t, err, broken)
	var syntax *json.SyntaxError
	assert.ErrorAs(t, err, &syntax)
}

// Nothing of a server stays, and servers leave each other alone.
func TestStateFolders(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	first := start(t, local.Config{})
	sb := first.create(nil)
	killed := filepath.Join(temp, "sandflare-local-killed")
	foreign := filepath.Join(temp, "sandflare-local-foreign")
	require.NoError(t, os.MkdirAll(filepath.Join(killed, "sandboxes", "x"), 0o700))
	require.NoError(t, os.Chmod(killed, 0o700))
	const mark = ".state-of-sandflare-local"
	require.NoError(t, os.WriteFile(filepath.Join(killed, mark), nil, 0o600))
	require.NoError(t, os.Mkdir(foreign, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(foreign, mark), nil, 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(temp, "sandflare-local-namesake"), 0o700))
	require.NoError(t, os.Symlink(foreign, filepath.Join(temp, "sandflare-local-link")))

	second := start(t, local.Config{})
	assert.Equal(t, []string{killed}, second.srv.Swept())
	assert.NoDirExists(t, killed)
	assert.DirExists(t, foreign, "not private: not ours")
	assert.Equal(t, "hi\n", first.out(sb, "echo hi"), "a server that lives is not swept")
	require.NoError(t, first.srv.Close())
	require.NoError(t, first.srv.Close(), "twice is fine")
	require.NoError(t, second.srv.Close())
	left, err := os.ReadDir(temp)
	require.NoError(t, err)
	assert.Len(t, left, 3, "%v", left)
}

// Close is prompt with calls under way.
func TestCloseWithCallsUnderWay(t *testing.T) {
	t.Parallel()
	a := start(t, local.Config{})
	sb := a.create(nil)
	s := a.stream(sb, "echo on; trap '' TERM INT; sleep 1000")
	require.Equal(t, "stdout on", s.line())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if resp, err := a.client.Do(a.request("POST", sb+"/exec", map[string]any{"cmd": "sleep 1000"})); err == nil {
			resp.Body.Close()
		}
	}()
	require.Eventually(t, func() bool { return len(a.commands(sb)) >= 2 }, 10*time.Second, 5*time.Millisecond)
	closed := make(chan error)
	go func() { closed <- a.srv.Close() }()
	select {
	case err := <-closed:
		require.NoError(t, err)
	case <-time.After(10 * time.Second):
		require.Fail(t, "Close waits for calls")
	}
	<-ended
}
