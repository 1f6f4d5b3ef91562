package sandflare_test

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing/fstest"
	"time"

	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/internal/wire"
)

// A method is one call of the public API: the shared tests run through all of
// them, and TestSurfaceIsComplete finds those that are not here.
type method struct {
	name    string // "Sandbox.Exec"
	route   wire.Route
	answer  string // a good one
	ignored bool   // what the answer says does not matter
	raw     bool   // the answer is not JSON
	call    func(ctx context.Context, c *sandflare.Client) error
}

const (
	sandboxJSON  = `{"name":"sb-1","status":"ready"}`
	execJSON     = `{"stdout":"out\n","stderr":"","exit_code":0,"ok":true}`
	snapshotJSON = `{"snapshot_id":"snap-1"}`
	templateJSON = `{"id":"tmpl-1","status":"ready"}`
	volumeJSON   = `{"id":"vol-1","name":"data"}`
	memoryJSON   = `{"memories":[{"id":"m1","memory":"text"}]}`
	addedJSON    = `{"results":[{"id":"m1","event":"ADD"}]}`
)

// on makes a call of a sandbox into a call of a client.
func on(call func(ctx context.Context, sb *sandflare.Sandbox) error) func(context.Context, *sandflare.Client) error {
	return func(ctx context.Context, c *sandflare.Client) error { return call(ctx, c.Sandbox("sb-1")) }
}

// withTempFile lends a small file.
func withTempFile(use func(path string) error) error {
	file, err := os.CreateTemp("", "sandflare-test-")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.WriteString("A")
	return errors.Join(err, file.Close(), use(file.Name()))
}

// only drops a result.
func only[T any](_ T, err error) error { return err }

var methods = []method{
	{name: "Client.CreateSandbox", route: wire.SandboxCreate, answer: sandboxJSON, call: func(ctx context.Context, c *sandflare.Client) error {
		return only(c.CreateSandbox(ctx, nil))
	}},
	{name: "Client.GetSandbox", route: wire.SandboxGet, answer: sandboxJSON, call: func(ctx context.Context, c *sandflare.Client) error {
		return only(c.GetSandbox(ctx, "sb-1"))
	}},
	{name: "Client.ListSandboxes", route: wire.SandboxList, answer: `[]`, call: func(ctx context.Context, c *sandflare.Client) error {
		return only(c.ListSandboxes(ctx, nil))
	}},
	{name: "Client.ListSnapshots", route: wire.SnapshotList, answer: `[]`, call: func(ctx context.Context, c *sandflare.Client) error {
		return only(c.ListSnapshots(ctx, nil))
	}},
	{name: "Client.DeleteSnapshot", route: wire.SnapshotDelete, ignored: true, call: func(ctx context.Context, c *sandflare.Client) error {
		return c.DeleteSnapshot(ctx, "snap-1")
	}},
	{name: "Client.BuildTemplate", route: wire.TemplateBuild, answer: templateJSON, call: func(ctx context.Context, c *sandflare.Client) error {
		return only(c.BuildTemplate(ctx, &sandflare.BuildTemplateOptions{Name: "t", Context: fstest.MapFS{
			"Dockerfile": {Data: []byte("FROM x")}, "a": {Data: []byte("A")}}}))
	}},
	{name: "Client.GetTemplate", route: wire.TemplateStatus, answer: templateJSON, call: func(ctx context.Context, c *sandflare.Client) error {
		return only(c.GetTemplate(ctx, "tmpl-1"))
	}},
	{name: "Client.WaitForBuild", route: wire.TemplateStatus, answer: templateJSON, call: func(ctx context.Context, c *sandflare.Client) error {
		return only(c.WaitForBuild(ctx, "tmpl-1", nil))
	}},
	{name: "Client.ListTemplates", route: wire.TemplateList, answer: `[]`, call: func(ctx context.Context, c *sandflare.Client) error {
		return only(c.ListTemplates(ctx, nil))
	}},
	{name: "Client.DeleteTemplate", route: wire.TemplateDelete, ignored: true, call: func(ctx context.Context, c *sandflare.Client) error {
		return c.DeleteTemplate(ctx, "tmpl-1")
	}},
	{name: "Client.CreateVolume", route: wire.VolumeCreate, answer: volumeJSON, call: func(ctx context.Context, c *sandflare.Client) error {
		return only(c.CreateVolume(ctx, "data", nil))
	}},
	{name: "Client.GetVolume", route: wire.VolumeGet, answer: volumeJSON, call: func(ctx context.Context, c *sandflare.Client) error {
		return only(c.GetVolume(ctx, "data"))
	}},
	{name: "Client.ListVolumes", route: wire.VolumeList, answer: `[]`, call: func(ctx context.Context, c *sandflare.Client) error {
		return only(c.ListVolumes(ctx))
	}},
	{name: "Client.DeleteVolume", route: wire.VolumeDelete, ignored: true, call: func(ctx context.Context, c *sandflare.Client) error {
		return c.DeleteVolume(ctx, "vol-1")
	}},

	{name: "Sandbox.Refresh", route: wire.SandboxGet, answer: sandboxJSON, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return sb.Refresh(ctx)
	})},
	{name: "Sandbox.Pause", route: wire.SandboxPause, ignored: true, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return sb.Pause(ctx)
	})},
	{name: "Sandbox.Resume", route: wire.SandboxResume, ignored: true, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return sb.Resume(ctx)
	})},
	{name: "Sandbox.Delete", route: wire.SandboxDelete, ignored: true, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return sb.Delete(ctx)
	})},
	{name: "Sandbox.Health", route: wire.SandboxHealth, ignored: true, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return sb.Health(ctx)
	})},
	{name: "Sandbox.Logs", route: wire.SandboxLogs, answer: `{"logs":[]}`, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.Logs(ctx))
	})},
	{name: "Sandbox.Env", route: wire.EnvGet, answer: `{}`, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.Env(ctx))
	})},
	{name: "Sandbox.SetEnv", route: wire.EnvSet, ignored: true, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return sb.SetEnv(ctx, map[string]string{"A": "b"})
	})},
	{name: "Sandbox.Fork", route: wire.SandboxFork, answer: `{"forks":[{"name":"sb-2"}]}`, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.Fork(ctx, 1))
	})},
	{name: "Sandbox.KeepAlive", route: wire.SandboxKeepAlive, answer: `{}`, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return sb.KeepAlive(ctx, time.Hour)
	})},

	{name: "Sandbox.Exec", route: wire.Exec, answer: execJSON, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.Exec(ctx, "true", nil))
	})},
	{name: "Sandbox.ExecStream", route: wire.ExecStream, answer: "event: done\ndata: {\"exit_code\":0}\n\n", raw: true, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sandflare.CollectExec(sb.ExecStream(ctx, "true", nil)))
	})},
	{name: "Sandbox.RunPython", route: wire.RunPython, answer: execJSON, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.RunPython(ctx, "1", nil))
	})},
	{name: "Sandbox.RunNode", route: wire.RunNode, answer: execJSON, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.RunNode(ctx, "1", nil))
	})},
	{name: "Sandbox.RunCode", route: wire.RunCode, answer: `{"text":"1"}`, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.RunCode(ctx, "1", nil))
	})},
	{name: "Sandbox.Install", route: wire.Install, answer: execJSON, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.Install(ctx, sandflare.Pip, "requests"))
	})},
	{name: "Sandbox.GitClone", route: wire.GitClone, answer: `{"path":"/home/user/r"}`, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.GitClone(ctx, "https://git.test/r", nil))
	})},

	{name: "Sandbox.ReadFile", route: wire.FileRead, answer: "bytes", raw: true, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.ReadFile(ctx, "/tmp/a"))
	})},
	{name: "Sandbox.WriteFile", route: wire.FileWrite, ignored: true, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return sb.WriteFile(ctx, "/tmp/a", []byte("A"))
	})},
	{name: "Sandbox.ReadDir", route: wire.FileList, answer: `[]`, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.ReadDir(ctx, "/tmp"))
	})},

	{name: "Sandbox.Upload", route: wire.FileWrite, ignored: true, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return sb.Upload(ctx, "/tmp/a", strings.NewReader("A"), nil)
	})},
	{name: "Sandbox.UploadFile", route: wire.FileWrite, ignored: true, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return withTempFile(func(path string) error { return sb.UploadFile(ctx, path, "/tmp/a", nil) })
	})},
	{name: "Sandbox.Download", route: wire.FileRead, answer: "bytes", raw: true, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.Download(ctx, "/tmp/a", io.Discard, nil))
	})},
	{name: "Sandbox.DownloadFile", route: wire.FileRead, answer: "bytes", raw: true, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return withTempFile(func(path string) error { return sb.DownloadFile(ctx, "/tmp/a", path, nil) })
	})},

	{name: "Sandbox.CreateSnapshot", route: wire.SnapshotCreate, answer: snapshotJSON, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.CreateSnapshot(ctx, nil))
	})},
	{name: "Sandbox.ListSnapshots", route: wire.SnapshotList, answer: `[]`, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.ListSnapshots(ctx))
	})},
	{name: "Sandbox.EnableAutoSnapshot", route: wire.AutoSnapshotEnable, ignored: true, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return sb.EnableAutoSnapshot(ctx, 15*time.Minute)
	})},
	{name: "Sandbox.DisableAutoSnapshot", route: wire.AutoSnapshotDisable, ignored: true, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return sb.DisableAutoSnapshot(ctx)
	})},
	{name: "Sandbox.Metrics", route: wire.Metrics, answer: `{}`, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.Metrics(ctx))
	})},
	{name: "Sandbox.Processes", route: wire.Processes, answer: `[]`, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.Processes(ctx))
	})},
	{name: "Sandbox.KillProcess", route: wire.KillProcess, ignored: true, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return sb.KillProcess(ctx, 7)
	})},

	{name: "SandboxMemory.Add", route: wire.SandboxMemoryAdd, answer: addedJSON, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.Memory().Add(ctx, "text", nil))
	})},
	{name: "SandboxMemory.AddBatch", route: wire.SandboxMemoryBatch, answer: addedJSON, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.Memory().AddBatch(ctx, []string{"a"}, nil))
	})},
	{name: "SandboxMemory.Search", route: wire.SandboxMemorySearch, answer: memoryJSON, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.Memory().Search(ctx, "q", nil))
	})},
	{name: "SandboxMemory.List", route: wire.SandboxMemoryList, answer: memoryJSON, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.Memory().List(ctx))
	})},
	{name: "SandboxMemory.Delete", route: wire.SandboxMemoryDelete, ignored: true, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return sb.Memory().Delete(ctx, "m1")
	})},
	{name: "SandboxMemory.DeleteAll", route: wire.SandboxMemoryDeleteAll, ignored: true, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return sb.Memory().DeleteAll(ctx)
	})},
	{name: "SandboxMemory.Feedback", route: wire.MemoryFeedback, ignored: true, call: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return sb.Memory().Feedback(ctx, "m1", true)
	})},
	{name: "UserMemory.Add", route: wire.UserMemoryAdd, answer: addedJSON, call: func(ctx context.Context, c *sandflare.Client) error {
		return only(c.UserMemory().Add(ctx, "text", nil))
	}},
	{name: "UserMemory.AddBatch", route: wire.UserMemoryBatch, answer: addedJSON, call: func(ctx context.Context, c *sandflare.Client) error {
		return only(c.UserMemory().AddBatch(ctx, []string{"a"}, nil))
	}},
	{name: "UserMemory.Search", route: wire.UserMemorySearch, answer: memoryJSON, call: func(ctx context.Context, c *sandflare.Client) error {
		return only(c.UserMemory().Search(ctx, "q", nil))
	}},
	{name: "UserMemory.List", route: wire.UserMemoryList, answer: memoryJSON, call: func(ctx context.Context, c *sandflare.Client) error {
		return only(c.UserMemory().List(ctx))
	}},
	{name: "UserMemory.Delete", route: wire.UserMemoryDelete, ignored: true, call: func(ctx context.Context, c *sandflare.Client) error {
		return c.UserMemory().Delete(ctx, "m1")
	}},
	{name: "UserMemory.DeleteAll", route: wire.UserMemoryDeleteAll, ignored: true, call: func(ctx context.Context, c *sandflare.Client) error {
		return c.UserMemory().DeleteAll(ctx)
	}},
	{name: "UserMemory.Feedback", route: wire.MemoryFeedback, ignored: true, call: func(ctx context.Context, c *sandflare.Client) error {
		return c.UserMemory().Feedback(ctx, "m1", true)
	}},
}
