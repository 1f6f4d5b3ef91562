package local_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/local"
	"github.com/sandflare/sandflare-go/internal/local/guest"
	"github.com/sandflare/sandflare-go/internal/wire"
)

// The lesser tier answers the same calls; the sandbox's paths mean its own folders.
func TestProcessTier(t *testing.T) {
	t.Parallel()
	a := start(t, local.Config{Isolation: guest.ProcessTier})
	assert.Equal(t, guest.ProcessTier, a.srv.Isolation().Tier)
	sb, other := a.create(nil), a.create(nil)
	const name = "/tmp/sandflare-process-tier"
	a.write(sb, name, "mine")
	assert.NoFileExists(t, name, "not the host's /tmp")
	assert.Equal(t, "mine", a.out(sb, "cat "+name))
	a.out(sb, "echo x >/home/user/f; cd; cat f")
	assert.Equal(t, "x\n", a.read(sb, "f"))
	a.fails(404, "GET", other+"/files?path="+name, nil)
	assert.Equal(t, "/tmp/sandflare-process-tier", a.list(sb, "/tmp")[0].Path)

	res := a.exec(sb, "setsid sleep 1000 & exit 3")
	assert.Equal(t, 3, *res.ExitCode)
	a.ok("DELETE", sb, nil, nil)
	var vol wire.Volume
	a.ok("POST", "/volumes", map[string]any{"name": "v"}, &vol)
	a.fails(400, "POST", "/sandboxes", map[string]any{"volumes": map[string]string{"/data": vol.ID}})
	first := a.create(map[string]any{"volumes": map[string]string{"/home/user/vol": vol.ID}})
	a.write(first, "vol/f", "kept")
	snap := a.snapshot(first, nil)
	a.ok("DELETE", first, nil, nil)
	second := a.create(map[string]any{"snapshot_id": snap.ID, "volumes": map[string]string{"/tmp/vol": vol.Name}})
	assert.Equal(t, "kept", a.out(second, "cat /tmp/vol/f"))
	text := a.fails(400, "POST", second+"/install", map[string]any{"pkg": "hello", "runtime": "apt"})
	assert.Contains(t, text, "root")
}

func (a *api) list(sb, path string) (list []wire.FileEntry) {
	a.t.Helper()
	a.ok("GET", sb+"/ls?path="+path, nil, &list)
	require.NotEmpty(a.t, list)
	return list
}

// Code means the sandbox's own folders too, as commands do.
func TestProcessTierCode(t *testing.T) {
	t.Parallel()
	needs(t, "python3")
	a := start(t, local.Config{Isolation: guest.ProcessTier})
	sb := a.create(nil)
	var timeout wire.ExecResult
	a.ok("POST", sb+"/exec", map[string]any{"cmd": "setsid sleep 1000 & sleep 1000", "timeout": 1}, &timeout)
	assert.Equal(t, 124, *timeout.ExitCode)
	assert.Empty(t, a.commands(sb))
	a.write(sb, "/tmp/in", "data")
	var res wire.ExecResult
	a.ok("POST", sb+"/run/python", map[string]any{"code": "print(open('/tmp/in').read())"}, &res)
	assert.Equal(t, "data\n", res.Stdout, res.Stderr)
	assert.Equal(t, "'data'", a.cell(sb, "", "open('/tmp/in').read()", 30).Text)
}

// Login shells keep the PATH that they are given, whatever the machine's
// /etc/profile makes of it, and read the sandbox's own profile.
func TestProcessTierLogin(t *testing.T) {
	needs(t, "bash")
	t.Setenv("PATH", os.Getenv("PATH")+":/opt/of-the-server")
	a := start(t, local.Config{Isolation: guest.ProcessTier})
	sb := a.create(nil)
	a.write(sb, ".profile", "export A=own PATH=/own:$PATH\n")
	a.write(sb, "/tmp/script", "echo $A $PATH\n")
	for _, cmd := range []string{"bash -lc 'echo $A $PATH'", "bash -l /tmp/script", "true; bash -lc 'echo $A $PATH'"} {
		assert.Regexp(t, "^own /own:.*:/opt/of-the-server", a.out(sb, cmd))
	}
	a.ok("POST", sb+"/agent/envs", map[string]string{"PATH": "/set:/usr/bin:/bin"}, nil)
	assert.Equal(t, "own /own:/set:/usr/bin:/bin\n", a.out(sb, "bash -lc 'echo $A $PATH'"))

	a.write(sb, ".bash_profile", "A=theirs\n")
	snap := a.snapshot(sb, nil)
	again := a.create(map[string]any{"snapshot_id": snap.ID})
	assert.Equal(t, "theirs\n", a.out(again, "bash -lc 'echo $A'"), "what a user wrote there stays")
}

// A command that the SDK puts into a file means the sandbox's folders, too.
func TestProcessTierScript(t *testing.T) {
	t.Parallel()
	a := start(t, local.Config{Isolation: guest.ProcessTier})
	sb := a.create(nil)
	a.write(sb, "sub/f", "mine\n")
	const script = "cd -- '/home/user/sub' || exit\ncat f\n"
	for _, path := range []string{"/tmp/.sandflare-X.sh", "/tmp/.sandflare-X/run"} {
		a.write(sb, path, script)
		assert.Equal(t, "mine\n", a.out(sb, "bash "+path))
	}
	for _, path := range []string{"/tmp/.sandflare-X/in", "/tmp/sandflare-X.sh"} {
		a.write(sb, path, script)
		assert.Equal(t, script, a.read(sb, path), "files stay as they are")
	}
}
