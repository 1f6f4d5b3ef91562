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
	do      func(ctx context.Context, c *sandflare.Client, at things) error
}

// things are what calls are made about: made up for mocks, real ones for the
// local Sandflare.
type things struct {
	sandbox, snapshot, template, volume, memory string
	pid                                         int
	repo                                        string // to clone
}

var madeUp = things{"sb-1", "snap-1", "tmpl-1", "vol-1", "m1", 7, "https://git.test/r"}

// call makes the method's call about things that are made up.
func (m method) call(ctx context.Context, c *sandflare.Client) error { return m.do(ctx, c, madeUp) }

const (
	sandboxJSON  = `{"name":"sb-1","status":"ready"}`
	execJSON     = `{"stdout":"out\n","stderr":"","exit_code":0,"ok":true}`
	snapshotJSON = `{"snapshot_id":"snap-1"}`
	templateJSON = `{"id":"tmpl-1","status":"ready"}`
	volumeJSON   = `{"id":"vol-1","name":"data"}`
	memoryJSON   = `{"memories":[{"id":"m1","memory":"text"}]}`
	addedJSON    = `{"results":[{"id":"m1","event":"ADD"}]}`
)

// What is run leaves a line for each time.
const (
	countRun    = "echo x >> ran"
	countPython = "open('/home/user/ran', 'a').write('x\\n')"
	countNode   = "require('fs').appendFileSync('/home/user/ran', 'x\\n')"
)

// on makes a call of a sandbox into a call of a client.
func on(call func(ctx context.Context, sb *sandflare.Sandbox) error) func(context.Context, *sandflare.Client, things) error {
	return func(ctx context.Context, c *sandflare.Client, at things) error {
		return call(ctx, c.Sandbox(at.sandbox))
	}
}

// about is on for calls that need more than the sandbox.
func about(call func(ctx context.Context, sb *sandflare.Sandbox, at things) error) func(context.Context, *sandflare.Client, things) error {
	return func(ctx context.Context, c *sandflare.Client, at things) error {
		return call(ctx, c.Sandbox(at.sandbox), at)
	}
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
	{name: "Client.CreateSandbox", route: wire.SandboxCreate, answer: sandboxJSON, do: func(ctx context.Context, c *sandflare.Client, _ things) error {
		return only(c.CreateSandbox(ctx, nil))
	}},
	{name: "Client.GetSandbox", route: wire.SandboxGet, answer: sandboxJSON, do: func(ctx context.Context, c *sandflare.Client, at things) error {
		return only(c.GetSandbox(ctx, at.sandbox))
	}},
	{name: "Client.ListSandboxes", route: wire.SandboxList, answer: `[]`, do: func(ctx context.Context, c *sandflare.Client, _ things) error {
		return only(c.ListSandboxes(ctx, nil))
	}},
	{name: "Client.ListSnapshots", route: wire.SnapshotList, answer: `[]`, do: func(ctx context.Context, c *sandflare.Client, _ things) error {
		return only(c.ListSnapshots(ctx, nil))
	}},
	{name: "Client.DeleteSnapshot", route: wire.SnapshotDelete, ignored: true, do: func(ctx context.Context, c *sandflare.Client, at things) error {
		return c.DeleteSnapshot(ctx, at.snapshot)
	}},
	{name: "Client.BuildTemplate", route: wire.TemplateBuild, answer: templateJSON, do: func(ctx context.Context, c *sandflare.Client, _ things) error {
		return only(c.BuildTemplate(ctx, &sandflare.BuildTemplateOptions{Name: "t", Context: fstest.MapFS{
			"Dockerfile": {Data: []byte("FROM x")}, "a": {Data: []byte("A")}}}))
	}},
	{name: "Client.GetTemplate", route: wire.TemplateStatus, answer: templateJSON, do: func(ctx context.Context, c *sandflare.Client, at things) error {
		return only(c.GetTemplate(ctx, at.template))
	}},
	{name: "Client.WaitForBuild", route: wire.TemplateStatus, answer: templateJSON, do: func(ctx context.Context, c *sandflare.Client, at things) error {
		return only(c.WaitForBuild(ctx, at.template, nil))
	}},
	{name: "Client.ListTemplates", route: wire.TemplateList, answer: `[]`, do: func(ctx context.Context, c *sandflare.Client, _ things) error {
		return only(c.ListTemplates(ctx, nil))
	}},
	{name: "Client.DeleteTemplate", route: wire.TemplateDelete, ignored: true, do: func(ctx context.Context, c *sandflare.Client, at things) error {
		return c.DeleteTemplate(ctx, at.template)
	}},
	{name: "Client.CreateVolume", route: wire.VolumeCreate, answer: volumeJSON, do: func(ctx context.Context, c *sandflare.Client, _ things) error {
		return only(c.CreateVolume(ctx, "data", nil))
	}},
	{name: "Client.GetVolume", route: wire.VolumeGet, answer: volumeJSON, do: func(ctx context.Context, c *sandflare.Client, at things) error {
		return only(c.GetVolume(ctx, at.volume))
	}},
	{name: "Client.ListVolumes", route: wire.VolumeList, answer: `[]`, do: func(ctx context.Context, c *sandflare.Client, _ things) error {
		return only(c.ListVolumes(ctx))
	}},
	{name: "Client.DeleteVolume", route: wire.VolumeDelete, ignored: true, do: func(ctx context.Context, c *sandflare.Client, at things) error {
		return c.DeleteVolume(ctx, at.volume)
	}},

	{name: "Sandbox.Refresh", route: wire.SandboxGet, answer: sandboxJSON, do: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return sb.Refresh(ctx)
	})},
	{name: "Sandbox.Pause", route: wire.SandboxPause, ignored: true, do: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return sb.Pause(ctx)
	})},
	{name: "Sandbox.Resume", route: wire.SandboxResume, ignored: true, do: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return sb.Resume(ctx)
	})},
	{name: "Sandbox.Delete", route: wire.SandboxDelete, ignored: true, do: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return sb.Delete(ctx)
	})},
	{name: "Sandbox.Health", route: wire.SandboxHealth, ignored: true, do: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return sb.Health(ctx)
	})},
	{name: "Sandbox.Logs", route: wire.SandboxLogs, answer: `{"logs":[]}`, do: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.Logs(ctx))
	})},
	{name: "Sandbox.Env", route: wire.EnvGet, answer: `{}`, do: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.Env(ctx))
	})},
	{name: "Sandbox.SetEnv", route: wire.EnvSet, ignored: true, do: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return sb.SetEnv(ctx, map[string]string{"A": "b"})
	})},
	{name: "Sandbox.Fork", route: wire.SandboxFork, answer: `{"forks":[{"name":"sb-2"}]}`, do: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.Fork(ctx, 1))
	})},
	{name: "Sandbox.KeepAlive", route: wire.SandboxKeepAlive, answer: `{}`, do: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return sb.KeepAlive(ctx, time.Hour)
	})},

	{name: "Sandbox.Exec", route: wire.Exec, answer: execJSON, do: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.Exec(ctx, countRun, nil))
	})},
	{name: "Sandbox.ExecStream", route: wire.ExecStream, answer: "event: done\ndata: {\"exit_code\":0}\n\n", raw: true, do: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sandflare.CollectExec(sb.ExecStream(ctx, countRun, nil)))
	})},
	{name: "Sandbox.RunPython", route: wire.RunPython, answer: execJSON, do: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.RunPython(ctx, countPython, nil))
	})},
	{name: "Sandbox.RunNode", route: wire.RunNode, answer: execJSON, do: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.RunNode(ctx, countNode, nil))
	})},
	{name: "Sandbox.RunCode", route: wire.RunCode, answer: `{"text":"1"}`, do: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.RunCode(ctx, countPython, nil))
	})},
	{name: "Sandbox.Install", route: wire.Install, answer: execJSON, do: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.Install(ctx, sandflare.Pip, "requests"))
	})},
	{name: "Sandbox.GitClone", route: wire.GitClone, answer: `{"path":"/home/user/r"}`, do: about(func(ctx context.Context, sb *sandflare.Sandbox, at things) error {
		return only(sb.GitClone(ctx, at.repo, nil))
	})},

	{name: "Sandbox.ReadFile", route: wire.FileRead, answer: "bytes", raw: true, do: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.ReadFile(ctx, "/tmp/a"))
	})},
	{name: "Sandbox.WriteFile", route: wire.FileWrite, ignored: true, do: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return sb.WriteFile(ctx, "/tmp/a", []byte("A"))
	})},
	{name: "Sandbox.ReadDir", route: wire.FileList, answer: `[]`, do: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.ReadDir(ctx, "/tmp"))
	})},

	{name: "Sandbox.Upload", route: wire.FileWrite, ignored: true, do: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return sb.Upload(ctx, "/tmp/a", strings.NewReader("A"), nil)
	})},
	{name: "Sandbox.UploadFile", route: wire.FileWrite, ignored: true, do: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return withTempFile(func(path string) error { return sb.UploadFile(ctx, path, "/tmp/a", nil) })
	})},
	{name: "Sandbox.Download", route: wire.FileRead, answer: "bytes", raw: true, do: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.Download(ctx, "/tmp/a", io.Discard, nil))
	})},
	{name: "Sandbox.DownloadFile", route: wire.FileRead, answer: "bytes", raw: true, do: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return withTempFile(func(path string) error { return sb.DownloadFile(ctx, "/tmp/a", path, nil) })
	})},

	{name: "Sandbox.CreateSnapshot", route: wire.SnapshotCreate, answer: snapshotJSON, do: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.CreateSnapshot(ctx, nil))
	})},
	{name: "Sandbox.ListSnapshots", route: wire.SnapshotList, answer: `[]`, do: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.ListSnapshots(ctx))
	})},
	{name: "Sandbox.EnableAutoSnapshot", route: wire.AutoSnapshotEnable, ignored: true, do: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return sb.EnableAutoSnapshot(ctx, 15*time.Minute)
	})},
	{name: "Sandbox.DisableAutoSnapshot", route: wire.AutoSnapshotDisable, ignored: true, do: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return sb.DisableAutoSnapshot(ctx)
	})},
	{name: "Sandbox.Metrics", route: wire.Metrics, answer: `{}`, do: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.Metrics(ctx))
	})},
	{name: "Sandbox.Processes", route: wire.Processes, answer: `[]`, do: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.Processes(ctx))
	})},
	{name: "Sandbox.KillProcess", route: wire.KillProcess, ignored: true, do: about(func(ctx context.Context, sb *sandflare.Sandbox, at things) error {
		return sb.KillProcess(ctx, at.pid)
	})},

	{name: "SandboxMemory.Add", route: wire.SandboxMemoryAdd, answer: addedJSON, do: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.Memory().Add(ctx, "text", nil))
	})},
	{name: "SandboxMemory.AddBatch", route: wire.SandboxMemoryBatch, answer: addedJSON, do: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.Memory().AddBatch(ctx, []string{"a"}, nil))
	})},
	{name: "SandboxMemory.Search", route: wire.SandboxMemorySearch, answer: memoryJSON, do: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.Memory().Search(ctx, "q", nil))
	})},
	{name: "SandboxMemory.List", route: wire.SandboxMemoryList, answer: memoryJSON, do: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return only(sb.Memory().List(ctx))
	})},
	{name: "SandboxMemory.Delete", route: wire.SandboxMemoryDelete, ignored: true, do: about(func(ctx context.Context, sb *sandflare.Sandbox, at things) error {
		return sb.Memory().Delete(ctx, at.memory)
	})},
	{name: "SandboxMemory.DeleteAll", route: wire.SandboxMemoryDeleteAll, ignored: true, do: on(func(ctx context.Context, sb *sandflare.Sandbox) error {
		return sb.Memory().DeleteAll(ctx)
	})},
	{name: "SandboxMemory.Feedback", route: wire.MemoryFeedback, ignored: true, do: about(func(ctx context.Context, sb *sandflare.Sandbox, at things) error {
		return sb.Memory().Feedback(ctx, at.memory, true)
	})},
	{name: "UserMemory.Add", route: wire.UserMemoryAdd, answer: addedJSON, do: func(ctx context.Context, c *sandflare.Client, _ things) error {
		return only(c.UserMemory().Add(ctx, "text", nil))
	}},
	{name: "UserMemory.AddBatch", route: wire.UserMemoryBatch, answer: addedJSON, do: func(ctx context.Context, c *sandflare.Client, _ things) error {
		return only(c.UserMemory().AddBatch(ctx, []string{"a"}, nil))
	}},
	{name: "UserMemory.Search", route: wire.UserMemorySearch, answer: memoryJSON, do: func(ctx context.Context, c *sandflare.Client, _ things) error {
		return only(c.UserMemory().Search(ctx, "q", nil))
	}},
	{name: "UserMemory.List", route: wire.UserMemoryList, answer: memoryJSON, do: func(ctx context.Context, c *sandflare.Client, _ things) error {
		return only(c.UserMemory().List(ctx))
	}},
	{name: "UserMemory.Delete", route: wire.UserMemoryDelete, ignored: true, do: func(ctx context.Context, c *sandflare.Client, at things) error {
		return c.UserMemory().Delete(ctx, at.memory)
	}},
	{name: "UserMemory.DeleteAll", route: wire.UserMemoryDeleteAll, ignored: true, do: func(ctx context.Context, c *sandflare.Client, _ things) error {
		return c.UserMemory().DeleteAll(ctx)
	}},
	{name: "UserMemory.Feedback", route: wire.MemoryFeedback, ignored: true, do: func(ctx context.Context, c *sandflare.Client, at things) error {
		return c.UserMemory().Feedback(ctx, at.memory, true)
	}},
}
