package sandflare_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/internal/wire"
	"github.com/sandflare/sandflare-go/sandflaretest"
)

// A stage is a local Sandflare on which one method is called about real things.
type stage struct {
	method method
	srv    *sandflaretest.Server
	client *sandflare.Client
	box    *sandflare.Sandbox // kept as long as it lives
	things *things            // kept by methods that change nothing
}

func newStage(t *testing.T, m method) *stage {
	t.Helper()
	s := &stage{method: m, srv: sandflaretest.Start(t)}
	s.client = s.newClient()
	if strings.Contains(m.route.Path, "/templates") && s.srv.Isolation() != sandflaretest.IsolationNamespace {
		t.Skip("templates are built in the namespace tier only")
	}
	if program := programOf[m.route.Op]; program != "" {
		result, err := s.sandbox(t).Exec(t.Context(), "command -v "+program, nil)
		require.NoError(t, err)
		if !result.OK() {
			t.Skipf("%s is not on this machine", program)
		}
	}
	return s
}

// programOf is what an operation needs on the machine.
var programOf = map[string]string{
	wire.RunPython.Op: "python3", wire.RunCode.Op: "python3", wire.RunNode.Op: "node", wire.GitClone.Op: "git",
}

func (s *stage) sandbox(t *testing.T) *sandflare.Sandbox {
	t.Helper()
	sb, err := s.client.CreateSandbox(t.Context(), nil)
	require.NoError(t, err)
	return sb
}

// set makes what the method's path names, anew for each call that changes something.
func (s *stage) set(t *testing.T) things {
	t.Helper()
	if s.things != nil {
		return *s.things
	}
	at := things{repo: "/home/user/origin/repo.git"}
	path := s.method.route.Path
	if strings.HasPrefix(s.method.name, "Sandbox") || slices.Contains([]wire.Route{wire.SandboxGet, wire.SnapshotDelete}, s.method.route) {
		if s.box == nil || s.method.route == wire.SandboxDelete {
			s.box = s.sandbox(t)
		}
		at.sandbox = s.box.Name()
		s.prepare(t, s.box, &at)
	}
	if strings.HasPrefix(path, "/templates/{") {
		at.template = s.template(t)
	}
	if strings.HasPrefix(path, "/volumes") {
		at.volume = s.volume(t)
	}
	if strings.Contains(path, "/memory") {
		at.memory = s.memory(t)
	}
	if s.method.route.Class == wire.Read {
		s.things = &at
	}
	return at
}

// volume is a new one and, for a create, none: a name is there once.
func (s *stage) volume(t *testing.T) string {
	t.Helper()
	volumes, err := s.client.ListVolumes(t.Context())
	require.NoError(t, err)
	for _, v := range volumes {
		require.NoError(t, s.client.DeleteVolume(t.Context(), v.ID))
	}
	if s.method.route == wire.VolumeCreate {
		return ""
	}
	volume, err := s.client.CreateVolume(t.Context(), "volume", nil)
	require.NoError(t, err)
	return volume.ID
}

func (s *stage) template(t *testing.T) string {
	t.Helper()
	template, err := s.client.BuildTemplate(t.Context(), &sandflare.BuildTemplateOptions{Name: "t", Dockerfile: "FROM x"})
	require.NoError(t, err)
	_, err = s.client.WaitForBuild(t.Context(), template.ID, &sandflare.WaitOptions{PollInterval: 10 * time.Millisecond})
	require.NoError(t, err)
	return template.ID
}

// memory is one fact and no other: what is known is not added again.
func (s *stage) memory(t *testing.T) string {
	t.Helper()
	var store interface {
		Add(ctx context.Context, text string, opts *sandflare.AddMemoryOptions) ([]sandflare.MemoryResult, error)
		DeleteAll(ctx context.Context) error
	} = s.client.UserMemory()
	if strings.HasPrefix(s.method.name, "SandboxMemory.") {
		store = s.box.Memory()
	}
	require.NoError(t, store.DeleteAll(t.Context()))
	added, err := store.Add(t.Context(), "a fact", nil)
	require.NoError(t, err)
	return added[0].ID
}

// prepare makes what single operations need in the sandbox.
func (s *stage) prepare(t *testing.T, sb *sandflare.Sandbox, at *things) {
	t.Helper()
	ctx := t.Context()
	run := func(command string) {
		result, err := sb.Exec(ctx, command, nil)
		require.NoError(t, err)
		require.NoError(t, result.Err())
	}
	switch s.method.route {
	case wire.FileRead:
		require.NoError(t, sb.WriteFile(ctx, "/tmp/a", []byte("bytes")))
	case wire.SnapshotDelete:
		snapshot, err := sb.CreateSnapshot(ctx, nil)
		require.NoError(t, err)
		at.snapshot = snapshot.ID
	case wire.GitClone:
		run("rm -rf repo; git init -q --bare " + at.repo)
	case wire.KillProcess:
		run("sleep 1000 > /dev/null 2>&1 &")
		processes, err := sb.Processes(ctx)
		require.NoError(t, err)
		require.NotEmpty(t, processes)
		at.pid = processes[0].PID
	case wire.Install: // a python3 that notes its runs: no registry is asked
		require.NoError(t, sb.WriteFile(ctx, "bin/python3", []byte("#!/bin/sh\necho x >> ~/ran\n")))
		run("chmod +x bin/python3")
		require.NoError(t, sb.SetEnv(ctx, map[string]string{"PATH": "/home/user/bin:/usr/local/bin:/usr/bin:/bin"}))
	}
}

// effectsOf count how often the work of an operation was done, by what is there.
var effectsOf = map[wire.Route]func(ctx context.Context, c *sandflare.Client, at things) (int, error){
	wire.SandboxCreate: countSandboxes, wire.SandboxFork: countSandboxes,
	wire.Exec: countLines, wire.ExecStream: countLines, wire.RunPython: countLines, wire.RunNode: countLines, wire.RunCode: countLines, wire.Install: countLines,
	wire.GitClone: func(ctx context.Context, c *sandflare.Client, at things) (int, error) {
		entries, err := c.Sandbox(at.sandbox).ReadDir(ctx, "/home/user")
		n := 0
		for _, entry := range entries {
			if entry.Name == "repo" {
				n++
			}
		}
		return n, err
	},
	wire.KillProcess: func(ctx context.Context, c *sandflare.Client, at things) (int, error) {
		processes, err := c.Sandbox(at.sandbox).Processes(ctx)
		return -len(processes), err
	},
	wire.SnapshotCreate: func(ctx context.Context, c *sandflare.Client, at things) (int, error) {
		return length(c.Sandbox(at.sandbox).ListSnapshots(ctx))
	},
	wire.TemplateBuild: func(ctx context.Context, c *sandflare.Client, _ things) (int, error) {
		return length(c.ListTemplates(ctx, nil))
	},
	wire.VolumeCreate: func(ctx context.Context, c *sandflare.Client, _ things) (int, error) {
		return length(c.ListVolumes(ctx))
	},
	wire.SandboxMemoryAdd: countSandboxMemory, wire.SandboxMemoryBatch: countSandboxMemory,
	wire.UserMemoryAdd: countUserMemory, wire.UserMemoryBatch: countUserMemory,
}

func length[T any](list []T, err error) (int, error) { return len(list), err }

func countSandboxes(ctx context.Context, c *sandflare.Client, _ things) (int, error) {
	return length(c.ListSandboxes(ctx, nil))
}

func countLines(ctx context.Context, c *sandflare.Client, at things) (int, error) {
	result, err := c.Sandbox(at.sandbox).Exec(ctx, "touch ran; cat ran", nil)
	if err != nil {
		return 0, err
	}
	return strings.Count(result.Stdout, "x"), nil
}

func countSandboxMemory(ctx context.Context, c *sandflare.Client, at things) (int, error) {
	return length(c.Sandbox(at.sandbox).Memory().List(ctx))
}

func countUserMemory(ctx context.Context, c *sandflare.Client, _ things) (int, error) {
	return length(c.UserMemory().List(ctx))
}

// count is how often the work of an effect was done so far.
func (s *stage) count(t *testing.T, at things) int {
	t.Helper()
	if s.method.route.Class != wire.Effect {
		return 0
	}
	effects := effectsOf[s.method.route]
	require.NotNil(t, effects, "%s needs a way to count its effects", s.method.name)
	n, err := effects(t.Context(), s.client, at)
	require.NoError(t, err)
	return n
}
