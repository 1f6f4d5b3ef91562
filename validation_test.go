package sandflare_test

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/sandflare/sandflare-go"
)

// hostile are names that are not one plain segment of a path.
var hostile = []string{"", ".", "..", "a/b", "../exec", "%2e%2e", "a%2fb", "?x", "#x", `a\b`, "a\x00b", "a\nb", "a\x7f", "a\u0085b", "\xff", strings.Repeat("x", 10<<10)}

func TestFaults_I1_SegmentsAreCheckedBeforeSending(t *testing.T) {
	t.Parallel()
	for _, name := range hostile {
		client, mock := mocked(t)
		ctx := t.Context()
		sb := client.Sandbox(name)
		for what, err := range map[string]error{
			"exec":            only(sb.Exec(ctx, "true", nil)),
			"stream":          only(sandflare.CollectExec(sb.ExecStream(ctx, "true", nil))),
			"delete":          sb.Delete(ctx),
			"close":           sb.Close(),
			"read":            only(sb.ReadFile(ctx, "/a")),
			"get":             only(client.GetSandbox(ctx, name)),
			"sandbox memory":  only(sb.Memory().List(ctx)),
			"memory id":       client.UserMemory().Delete(ctx, name),
			"feedback":        client.UserMemory().Feedback(ctx, name, true),
			"snapshot":        client.DeleteSnapshot(ctx, name),
			"template":        only(client.GetTemplate(ctx, name)),
			"wait":            only(client.WaitForBuild(ctx, name, nil)),
			"delete template": client.DeleteTemplate(ctx, name),
			"volume":          only(client.GetVolume(ctx, name)),
			"delete volume":   client.DeleteVolume(ctx, name),
			"create volume":   only(client.CreateVolume(ctx, name, nil)),
			"mounted volume":  only(client.CreateSandbox(ctx, &sandflare.CreateOptions{Volumes: map[string]string{"/data": name}})),
		} {
			assert.ErrorIs(t, err, sandflare.ErrInvalidArgument, "%s with %.20q", what, name)
		}
		assert.Zero(t, mock.GetTotalCallCount())
	}
}

// refused are arguments that no request may be made of, and what the error must name.
var refused = map[string]struct {
	want string
	call func(ctx context.Context, c *sandflare.Client, sb *sandflare.Sandbox) error
}{
	"empty command": {"command is empty", func(ctx context.Context, _ *sandflare.Client, sb *sandflare.Sandbox) error {
		return only(sb.Exec(ctx, " \n", nil))
	}},
	"NUL in a command": {"NUL character at byte 5", func(ctx context.Context, _ *sandflare.Client, sb *sandflare.Sandbox) error {
		return only(sb.Exec(ctx, "echo \x00", nil))
	}},
	"NUL in a streamed command": {"NUL", func(ctx context.Context, _ *sandflare.Client, sb *sandflare.Sandbox) error {
		return only(sandflare.CollectExec(sb.ExecStream(ctx, "echo \x00", nil)))
	}},
	"broken UTF-8 in a command": {"UTF-8", func(ctx context.Context, _ *sandflare.Client, sb *sandflare.Sandbox) error {
		return only(sb.Exec(ctx, "echo \xff", nil))
	}},
	"negative timeout": {"Timeout is -1s", func(ctx context.Context, _ *sandflare.Client, sb *sandflare.Sandbox) error {
		return only(sb.Exec(ctx, "true", &sandflare.ExecOptions{Timeout: -time.Second}))
	}},
	"endless timeout": {"longer than", func(ctx context.Context, _ *sandflare.Client, sb *sandflare.Sandbox) error {
		return only(sb.Exec(ctx, "true", &sandflare.ExecOptions{Timeout: 1<<63 - 1}))
	}},
	"negative timeout of code": {"Timeout", func(ctx context.Context, _ *sandflare.Client, sb *sandflare.Sandbox) error {
		return only(sb.RunPython(ctx, "1", &sandflare.RunOptions{Timeout: -1}))
	}},
	"empty code": {"code is empty", func(ctx context.Context, _ *sandflare.Client, sb *sandflare.Sandbox) error {
		return only(sb.RunNode(ctx, "", nil))
	}},
	"env name with =": {`"A=B"`, func(ctx context.Context, _ *sandflare.Client, sb *sandflare.Sandbox) error {
		return only(sb.Exec(ctx, "true", &sandflare.ExecOptions{Env: map[string]string{"A=B": ""}}))
	}},
	"env name that is none": {`"1A"`, func(ctx context.Context, _ *sandflare.Client, sb *sandflare.Sandbox) error {
		return only(sb.Exec(ctx, "true", &sandflare.ExecOptions{Env: map[string]string{"1A": ""}}))
	}},
	"env name that would run": {"letters, digits", func(ctx context.Context, _ *sandflare.Client, sb *sandflare.Sandbox) error {
		return only(sb.Exec(ctx, "true", &sandflare.ExecOptions{Env: map[string]string{"A;rm -rf /;B": ""}}))
	}},
	"env name in unicode": {"letters, digits", func(ctx context.Context, _ *sandflare.Client, sb *sandflare.Sandbox) error {
		return sb.SetEnv(ctx, map[string]string{"É": ""})
	}},
	"empty env name at create": {"letters, digits", func(ctx context.Context, c *sandflare.Client, _ *sandflare.Sandbox) error {
		return only(c.CreateSandbox(ctx, &sandflare.CreateOptions{Env: map[string]string{"": "x"}}))
	}},
	"NUL in an env value": {"NUL", func(ctx context.Context, _ *sandflare.Client, sb *sandflare.Sandbox) error {
		return only(sb.Exec(ctx, "true", &sandflare.ExecOptions{Env: map[string]string{"A": "\x00"}}))
	}},
	"huge env value": {"at most 122880", func(ctx context.Context, _ *sandflare.Client, sb *sandflare.Sandbox) error {
		return only(sb.Exec(ctx, "true", &sandflare.ExecOptions{Env: map[string]string{"A": strings.Repeat("x", 120<<10)}}))
	}},
	"raw env name with =": {"= or NUL", func(ctx context.Context, _ *sandflare.Client, sb *sandflare.Sandbox) error {
		return only(sb.Exec(ctx, "true", &sandflare.ExecOptions{Raw: true, Env: map[string]string{"A=": ""}}))
	}},
	"raw stream with env": {"Raw and Env", func(ctx context.Context, _ *sandflare.Client, sb *sandflare.Sandbox) error {
		return only(sandflare.CollectExec(sb.ExecStream(ctx, "true", &sandflare.ExecOptions{Raw: true, Env: map[string]string{"A": ""}})))
	}},
	"raw stream too long": {"at most 6144", func(ctx context.Context, _ *sandflare.Client, sb *sandflare.Sandbox) error {
		return only(sandflare.CollectExec(sb.ExecStream(ctx, strings.Repeat("x", 7000), &sandflare.ExecOptions{Raw: true})))
	}},
	"NUL in Dir": {"Dir has a NUL", func(ctx context.Context, _ *sandflare.Client, sb *sandflare.Sandbox) error {
		return only(sb.Exec(ctx, "true", &sandflare.ExecOptions{Dir: "/tmp\x00"}))
	}},
	"negative TTL": {"TTL is -1h", func(ctx context.Context, c *sandflare.Client, _ *sandflare.Sandbox) error {
		return only(c.CreateSandbox(ctx, &sandflare.CreateOptions{TTL: -time.Hour}))
	}},
	"short auto-snapshot interval": {"shortest is 5m", func(ctx context.Context, c *sandflare.Client, _ *sandflare.Sandbox) error {
		return only(c.CreateSandbox(ctx, &sandflare.CreateOptions{AutoSnapshotInterval: 4 * time.Minute}))
	}},
	"negative auto-snapshot interval": {"shortest is 5m", func(ctx context.Context, c *sandflare.Client, _ *sandflare.Sandbox) error {
		return only(c.CreateSandbox(ctx, &sandflare.CreateOptions{AutoSnapshotInterval: -time.Hour}))
	}},
	"no auto-snapshot interval": {"shortest is 5m", func(ctx context.Context, _ *sandflare.Client, sb *sandflare.Sandbox) error {
		return sb.EnableAutoSnapshot(ctx, 0)
	}},
	"relative mount path": {"absolute", func(ctx context.Context, c *sandflare.Client, _ *sandflare.Sandbox) error {
		return only(c.CreateSandbox(ctx, &sandflare.CreateOptions{Volumes: map[string]string{"data": "vol-1"}}))
	}},
	"root as mount path": {"below /", func(ctx context.Context, c *sandflare.Client, _ *sandflare.Sandbox) error {
		return only(c.CreateSandbox(ctx, &sandflare.CreateOptions{Volumes: map[string]string{"/data/..": "vol-1"}}))
	}},
	"broken metadata": {"UTF-8", func(ctx context.Context, c *sandflare.Client, _ *sandflare.Sandbox) error {
		return only(c.CreateSandbox(ctx, &sandflare.CreateOptions{Metadata: map[string]string{"a": "\xff"}}))
	}},
	"no copies": {"1 to 8", func(ctx context.Context, _ *sandflare.Client, sb *sandflare.Sandbox) error {
		return only(sb.Fork(ctx, 0))
	}},
	"nine copies": {"1 to 8", func(ctx context.Context, _ *sandflare.Client, sb *sandflare.Sandbox) error {
		return only(sb.Fork(ctx, 9))
	}},
	"keep alive too long": {"at most 24h", func(ctx context.Context, _ *sandflare.Client, sb *sandflare.Sandbox) error {
		return sb.KeepAlive(ctx, 24*time.Hour+1)
	}},
	"keep alive for nothing": {"more than 0", func(ctx context.Context, _ *sandflare.Client, sb *sandflare.Sandbox) error {
		return sb.KeepAlive(ctx, 0)
	}},
	"empty path": {"path is empty", func(ctx context.Context, _ *sandflare.Client, sb *sandflare.Sandbox) error {
		return only(sb.ReadFile(ctx, ""))
	}},
	"NUL in a path": {"NUL character at byte 4", func(ctx context.Context, _ *sandflare.Client, sb *sandflare.Sandbox) error {
		return sb.WriteFile(ctx, "/tmp\x00", nil)
	}},
	"NUL in a folder": {"NUL", func(ctx context.Context, _ *sandflare.Client, sb *sandflare.Sandbox) error {
		return only(sb.ReadDir(ctx, "\x00"))
	}},
	"PID 0": {"PID 0", func(ctx context.Context, _ *sandflare.Client, sb *sandflare.Sandbox) error {
		return sb.KillProcess(ctx, 0)
	}},
	"every process": {"PID -1", func(ctx context.Context, _ *sandflare.Client, sb *sandflare.Sandbox) error {
		return sb.KillProcess(ctx, -1)
	}},
	"no package": {"package", func(ctx context.Context, _ *sandflare.Client, sb *sandflare.Sandbox) error {
		return only(sb.Install(ctx, sandflare.Pip, ""))
	}},
	"option as package": {"option", func(ctx context.Context, _ *sandflare.Client, sb *sandflare.Sandbox) error {
		return only(sb.Install(ctx, sandflare.Apt, "--reinstall"))
	}},
	"option as repository": {"option", func(ctx context.Context, _ *sandflare.Client, sb *sandflare.Sandbox) error {
		return only(sb.GitClone(ctx, "--upload-pack=x", nil))
	}},
	"program as repository": {"run a program", func(ctx context.Context, _ *sandflare.Client, sb *sandflare.Sandbox) error {
		return only(sb.GitClone(ctx, "ext::sh -c x", nil))
	}},
	"option as branch": {"option", func(ctx context.Context, _ *sandflare.Client, sb *sandflare.Sandbox) error {
		return only(sb.GitClone(ctx, "https://git.test/r", &sandflare.GitCloneOptions{Branch: "--upload-pack=x"}))
	}},
	"negative depth": {"Depth is -1", func(ctx context.Context, _ *sandflare.Client, sb *sandflare.Sandbox) error {
		return only(sb.GitClone(ctx, "https://git.test/r", &sandflare.GitCloneOptions{Depth: -1}))
	}},
	"nothing to remember": {"text is empty", func(ctx context.Context, c *sandflare.Client, _ *sandflare.Sandbox) error {
		return only(c.UserMemory().Add(ctx, "", nil))
	}},
	"no facts": {"no facts", func(ctx context.Context, _ *sandflare.Client, sb *sandflare.Sandbox) error {
		return only(sb.Memory().AddBatch(ctx, nil, nil))
	}},
	"inferring a batch": {"Infer", func(ctx context.Context, c *sandflare.Client, _ *sandflare.Sandbox) error {
		return only(c.UserMemory().AddBatch(ctx, []string{"a"}, &sandflare.AddMemoryOptions{Infer: true}))
	}},
	"negative limit": {"limit is -1", func(ctx context.Context, c *sandflare.Client, _ *sandflare.Sandbox) error {
		return only(c.UserMemory().Search(ctx, "q", &sandflare.SearchMemoryOptions{Limit: -1}))
	}},
	"empty search": {"query is empty", func(ctx context.Context, c *sandflare.Client, _ *sandflare.Sandbox) error {
		return only(c.UserMemory().Search(ctx, "", nil))
	}},
	"template without a name": {"no Name", func(ctx context.Context, c *sandflare.Client, _ *sandflare.Sandbox) error {
		return only(c.BuildTemplate(ctx, nil))
	}},
	"template without a Dockerfile": {"Dockerfile", func(ctx context.Context, c *sandflare.Client, _ *sandflare.Sandbox) error {
		return only(c.BuildTemplate(ctx, &sandflare.BuildTemplateOptions{Name: "t"}))
	}},
	"context without a Dockerfile": {"no Dockerfile", func(ctx context.Context, c *sandflare.Client, _ *sandflare.Sandbox) error {
		return only(c.BuildTemplate(ctx, &sandflare.BuildTemplateOptions{Name: "t", Context: fstest.MapFS{}}))
	}},
	"broken .dockerignore": {".dockerignore", func(ctx context.Context, c *sandflare.Client, _ *sandflare.Sandbox) error {
		return only(c.BuildTemplate(ctx, &sandflare.BuildTemplateOptions{Name: "t", Dockerfile: "FROM x", Context: fstest.MapFS{".dockerignore": {Data: []byte("[a\n")}}}))
	}},
	"negative wait": {"Timeout", func(ctx context.Context, c *sandflare.Client, _ *sandflare.Sandbox) error {
		return only(c.WaitForBuild(ctx, "t", &sandflare.WaitOptions{Timeout: -1}))
	}},
	"negative volume size": {"SizeGB is -1", func(ctx context.Context, c *sandflare.Client, _ *sandflare.Sandbox) error {
		return only(c.CreateVolume(ctx, "v", &sandflare.CreateVolumeOptions{SizeGB: -1}))
	}},
	"nil stream": {"nil", func(context.Context, *sandflare.Client, *sandflare.Sandbox) error {
		return only(sandflare.CollectExec(nil))
	}},
	"nil result": {"no result", func(context.Context, *sandflare.Client, *sandflare.Sandbox) error {
		return (*sandflare.ExecResult)(nil).Err()
	}},
}

func TestFaults_I4_I5_I6_I8_RefusedBeforeSending(t *testing.T) {
	t.Parallel()
	for name, c := range refused {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, mock := mocked(t)
			err := c.call(t.Context(), client, client.Sandbox("sb-1"))
			assert.ErrorIs(t, err, sandflare.ErrInvalidArgument)
			assert.ErrorContains(t, err, c.want)
			assert.Zero(t, mock.GetTotalCallCount())
		})
	}
}

func TestFaults_I9_ZeroValuesDoNotPanic(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for _, sb := range []*sandflare.Sandbox{nil, {}, (*sandflare.Client)(nil).Sandbox("sb-1"), (&sandflare.Client{}).Sandbox("sb-1")} {
		assert.ErrorIs(t, sb.Delete(ctx), sandflare.ErrInvalidArgument)
		assert.ErrorIs(t, sb.Close(), sandflare.ErrInvalidArgument)
		assert.ErrorIs(t, only(sb.Exec(ctx, "true", nil)), sandflare.ErrInvalidArgument)
		assert.ErrorIs(t, only(sandflare.CollectExec(sb.ExecStream(ctx, "true", nil))), sandflare.ErrInvalidArgument)
		assert.ErrorIs(t, only(sb.RunPlaywright(ctx, "1", nil)), sandflare.ErrInvalidArgument)
		assert.ErrorIs(t, only(sb.ListSnapshots(ctx)), sandflare.ErrInvalidArgument)
		assert.ErrorIs(t, only(sb.Memory().List(ctx)), sandflare.ErrInvalidArgument)
		assert.ErrorIs(t, sb.KeepAlive(ctx, time.Hour), sandflare.ErrInvalidArgument)
		assert.Empty(t, sb.PreviewURL(80))
		assert.Empty(t, sb.Info().Status)
	}
	var user *sandflare.UserMemory
	var memory *sandflare.SandboxMemory
	assert.ErrorIs(t, only(user.List(ctx)), sandflare.ErrInvalidArgument)
	assert.ErrorIs(t, memory.DeleteAll(ctx), sandflare.ErrInvalidArgument)
	(*sandflare.Client)(nil).CloseIdleConnections()
	for _, err := range []error{&sandflare.ExitError{}, &sandflare.BuildError{}, &sandflare.APIError{}} {
		assert.NotEmpty(t, err.Error())
	}
}

func TestRefusalsNameOperationAndSandboxOnce(t *testing.T) {
	t.Parallel()
	client, _ := mocked(t)
	sb := client.Sandbox("sb-1")
	var none context.Context
	for want, err := range map[string]error{
		`sandflare: snapshot "sb-1": invalid argument: the name`:                  only(sb.CreateSnapshot(t.Context(), &sandflare.CreateSnapshotOptions{Name: "\x00"})),
		`sandflare: list memory of sandbox "sb-1": invalid argument: the context`: only(sb.Memory().List(none)),
	} {
		assert.ErrorContains(t, err, want)
	}
	odd := &sandflare.APIError{Method: "GET", Path: "/x", StatusCode: 599, Message: "boom"}
	assert.Equal(t, "GET /x: 599: boom", odd.Error())
}
