package sandflare_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"github.com/sandflare/sandflare-go"
)

// The examples follow the README of the Python SDK, heading by heading. They
// run against a local Sandflare, which TestMain names in the environment.

// Quick start: create a sandbox, run a command, delete the sandbox.
func Example() {
	ctx := context.Background()
	client, err := sandflare.NewClient()
	if err != nil {
		log.Fatal(err)
	}
	sb, err := client.CreateSandbox(ctx, &sandflare.CreateOptions{Label: "agent", Size: sandflare.SizeNano})
	if err != nil {
		log.Fatal(err)
	}
	defer sb.Close()
	result, err := sb.Exec(ctx, "echo hello", nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(result.Stdout)
	// Output: hello
}

// Environment variables: the key comes from SANDFLARE_API_KEY and the address
// from SANDFLARE_API_URL, unless options say otherwise.
func ExampleNewClient() {
	client, err := sandflare.NewClient(
		sandflare.WithAPIKey(os.Getenv("SANDFLARE_API_KEY")),
		sandflare.WithBaseURL(os.Getenv("SANDFLARE_API_URL")),
		sandflare.WithUserAgent("my-agent/1.0"),
	)
	fmt.Println(client != nil, err)

	_, err = sandflare.NewClient(sandflare.WithAPIKey(""))
	fmt.Println(errors.Is(err, sandflare.ErrMissingAPIKey))
	// Output:
	// true <nil>
	// true
}

// Create: with a size, a lifetime and metadata to find it again.
func ExampleClient_CreateSandbox() {
	ctx := context.Background()
	client, err := sandflare.NewClient()
	if err != nil {
		log.Fatal(err)
	}
	sb, err := client.CreateSandbox(ctx, &sandflare.CreateOptions{
		Label:     "production-run",
		Size:      sandflare.SizeSmall,
		TTL:       2 * time.Hour,
		Ephemeral: true,
		Env:       map[string]string{"STAGE": "prod"},
		Metadata:  map[string]string{"env": "prod", "version": "1.0"},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer sb.Close()
	info := sb.Info()
	fmt.Println(info.Name == sb.Name(), info.Status, info.Tier, info.MemoryMB, info.VCPUs)
	fmt.Println(info.Label, info.Metadata, info.Ephemeral, info.TTL)
	// Output:
	// true ready small 1024 1
	// production-run map[env:prod version:1.0] true 2h0m0s
}

// Get & List: by name, by label, by metadata.
func ExampleClient_ListSandboxes() {
	ctx := context.Background()
	client, err := sandflare.NewClient()
	if err != nil {
		log.Fatal(err)
	}
	sb, err := client.CreateSandbox(ctx, &sandflare.CreateOptions{Label: "nightly", Metadata: map[string]string{"job": "42"}})
	if err != nil {
		log.Fatal(err)
	}
	defer sb.Close()

	same, err := client.GetSandbox(ctx, sb.Name())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(same.Info().Label)

	found, err := client.ListSandboxes(ctx, &sandflare.ListOptions{Label: "nightly", Metadata: map[string]string{"job": "42"}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(found), found[0].Name() == sb.Name())

	_, err = client.GetSandbox(ctx, "sb-gone")
	fmt.Println(errors.Is(err, sandflare.ErrNotFound))
	// Output:
	// nightly
	// 1 true
	// true
}

// Exec: a command with environment, folder and timeout. A failing command is a result.
func ExampleSandbox_Exec() {
	ctx := context.Background()
	sb, done := newSandbox(ctx)
	defer done()
	result, err := sb.Exec(ctx, "echo $MY_VAR in $(basename $PWD)", &sandflare.ExecOptions{
		Env:     map[string]string{"MY_VAR": "hello world"},
		Dir:     "/tmp",
		Timeout: 10 * time.Second,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(result.Stdout)
	fmt.Println(result.ExitCode, result.OK())

	result, err = sb.Exec(ctx, "echo no such thing >&2; exit 3", nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Err())
	// Output:
	// hello world in tmp
	// 0 true
	// sandflare: command exited with code 3: no such thing
}

// Stream output in real time.
func ExampleSandbox_ExecStream() {
	ctx := context.Background()
	sb, done := newSandbox(ctx)
	defer done()
	for event, err := range sb.ExecStream(ctx, "for i in 1 2 3; do echo step $i; sleep 0.1; done; exit 7", nil) {
		if err != nil {
			log.Fatal(err)
		}
		switch event.Type {
		case sandflare.EventStdout, sandflare.EventStderr:
			fmt.Println(event.Data)
		case sandflare.EventDone:
			fmt.Println("exited", event.ExitCode)
		}
	}
	// Output:
	// step 1
	// step 2
	// step 3
	// exited 7
}

// File I/O: text, bytes, folders.
func ExampleSandbox_WriteFile() {
	ctx := context.Background()
	sb, done := newSandbox(ctx)
	defer done()
	if err := sb.WriteFile(ctx, "/tmp/files/hello.txt", []byte("hello world")); err != nil {
		log.Fatal(err)
	}
	if err := sb.WriteFile(ctx, "/tmp/files/data.bin", []byte{0x00, 0xff, 0xfe}); err != nil {
		log.Fatal(err)
	}
	text, err := sb.ReadFile(ctx, "/tmp/files/hello.txt")
	if err != nil {
		log.Fatal(err)
	}
	data, err := sb.ReadFile(ctx, "/tmp/files/data.bin")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s, %x\n", text, data)
	entries, err := sb.ReadDir(ctx, "/tmp/files")
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range entries {
		fmt.Println(e.Name, e.Size, e.IsDir)
	}
	// Output:
	// hello world, 00fffe
	// data.bin 3 false
	// hello.txt 11 false
}

// Run code: Python.
func ExampleSandbox_RunPython() {
	ctx := context.Background()
	sb, done := newSandbox(ctx)
	defer done()
	result, err := sb.RunPython(ctx, "print(2 + 2)", nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(result.Stdout)
	// Output: 4
}

// Run code: Node.js.
func ExampleSandbox_RunNode() {
	ctx := context.Background()
	sb, done := newSandbox(ctx)
	defer done()
	result, err := sb.RunNode(ctx, "console.log(2 + 2)", nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(result.Stdout)
	// Output: 4
}

// Run code: Python that remembers, and shows the last value.
func ExampleSandbox_RunCode() {
	ctx := context.Background()
	sb, done := newSandbox(ctx)
	defer done()
	for _, code := range []string{"x = 20", "x + 22", "x / 0"} {
		result, err := sb.RunCode(ctx, code, nil)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%q %v\n", result.Text, result.OK())
	}
	// Output:
	// "" true
	// "42" true
	// "" false
}

// Lifecycle: pause, resume, delete.
func ExampleSandbox_Pause() {
	ctx := context.Background()
	sb, done := newSandbox(ctx)
	defer done()
	if err := sb.Pause(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println(sb.Info().Status)
	_, err := sb.Exec(ctx, "true", nil)
	fmt.Println(errors.Is(err, sandflare.ErrConflict))
	if err := sb.Resume(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println(sb.Info().Status)
	if err := sb.Delete(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println(errors.Is(sb.Refresh(ctx), sandflare.ErrNotFound))
	// Output:
	// paused
	// true
	// ready
	// true
}

// Snapshots: save, list, restore into a new sandbox.
func ExampleSandbox_CreateSnapshot() {
	ctx := context.Background()
	client, err := sandflare.NewClient()
	if err != nil {
		log.Fatal(err)
	}
	sb, done := newSandbox(ctx)
	defer done()
	if err := sb.WriteFile(ctx, "data.txt", []byte("loaded")); err != nil {
		log.Fatal(err)
	}
	snapshot, err := sb.CreateSnapshot(ctx, &sandflare.CreateSnapshotOptions{
		Name: "after-data-load", Description: "Dataset v2 loaded", Tags: []string{"prod", "v2"},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.DeleteSnapshot(ctx, snapshot.ID)
	snapshots, err := sb.ListSnapshots(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range snapshots {
		fmt.Println(s.ID == snapshot.ID, s.Name, s.Status, s.Tags)
	}
	restored, err := client.CreateSandbox(ctx, &sandflare.CreateOptions{Label: "restored", SnapshotID: snapshot.ID})
	if err != nil {
		log.Fatal(err)
	}
	defer restored.Close()
	data, err := restored.ReadFile(ctx, "data.txt")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", data)
	// Output:
	// true after-data-load ready [prod v2]
	// loaded
}

// Pause → auto-resume: getting a paused sandbox resumes it.
func ExampleClient_GetSandbox() {
	ctx := context.Background()
	client, err := sandflare.NewClient()
	if err != nil {
		log.Fatal(err)
	}
	sb, done := newSandbox(ctx)
	defer done()
	if err := sb.WriteFile(ctx, "state.txt", []byte("kept")); err != nil {
		log.Fatal(err)
	}
	if err := sb.Pause(ctx); err != nil {
		log.Fatal(err)
	}
	again, err := client.GetSandbox(ctx, sb.Name())
	if err != nil {
		log.Fatal(err)
	}
	state, err := again.ReadFile(ctx, "state.txt")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s %s\n", again.Info().Status, state)
	// Output: ready kept
}

// Fork: copies of a prepared sandbox.
func ExampleSandbox_Fork() {
	ctx := context.Background()
	sb, done := newSandbox(ctx)
	defer done()
	if err := sb.WriteFile(ctx, "prepared.txt", []byte("ready to go")); err != nil {
		log.Fatal(err)
	}
	forks, err := sb.Fork(ctx, 2)
	if err != nil {
		log.Fatal(err)
	}
	for i, fork := range forks {
		defer fork.Close()
		result, err := fork.Exec(ctx, fmt.Sprintf("cat prepared.txt; echo ', variant %d'", i+1), nil)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(result.Stdout)
	}
	// Output:
	// ready to go, variant 1
	// ready to go, variant 2
}

// AI Memory: what a sandbox learned.
func ExampleSandbox_Memory() {
	ctx := context.Background()
	sb, done := newSandbox(ctx)
	defer done()
	memory := sb.Memory()
	for text, category := range map[string]string{
		"User prefers async patterns and strict typing":    "preference",
		"Bug fix: always call .commit() after INSERT":      "bug_fix",
		"Project database: FastAPI talks to PostgreSQL 16": "project_context",
	} {
		if _, err := memory.Add(ctx, text, &sandflare.AddMemoryOptions{Category: category}); err != nil {
			log.Fatal(err)
		}
	}
	found, err := memory.Search(ctx, "what database does this project use?", &sandflare.SearchMemoryOptions{Limit: 1})
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range found {
		fmt.Println(m.Text, m.Categories)
	}
	all, err := memory.List(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(all))
	// Output:
	// Project database: FastAPI talks to PostgreSQL 16 [project_context]
	// 3
}

// AI Memory: what holds across all sandboxes.
func ExampleClient_UserMemory() {
	ctx := context.Background()
	client, err := sandflare.NewClient()
	if err != nil {
		log.Fatal(err)
	}
	memory := client.UserMemory()
	defer memory.DeleteAll(ctx)
	if _, err := memory.Add(ctx, "Prefers TypeScript over JavaScript as a language", nil); err != nil {
		log.Fatal(err)
	}
	found, err := memory.Search(ctx, "language preferences", nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range found {
		fmt.Println(m.Text)
	}
	// Output: Prefers TypeScript over JavaScript as a language
}

// Custom templates: build from a Dockerfile, wait, use.
func ExampleClient_BuildTemplate() {
	ctx := context.Background()
	client, err := sandflare.NewClient()
	if err != nil {
		log.Fatal(err)
	}
	template, err := client.BuildTemplate(ctx, &sandflare.BuildTemplateOptions{
		Name:       "my-env",
		Dockerfile: "FROM ubuntu:22.04\nENV GREETING=hello\nRUN mkdir /home/user/app && echo built > /home/user/app/marker\nWORKDIR /home/user/app",
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.DeleteTemplate(ctx, template.ID)
	template, err = client.WaitForBuild(ctx, template.ID, &sandflare.WaitOptions{PollInterval: 50 * time.Millisecond})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(template.Name, template.Status)

	sb, err := client.CreateSandbox(ctx, &sandflare.CreateOptions{Label: "agent", TemplateID: template.ID})
	if err != nil {
		log.Fatal(err)
	}
	defer sb.Close()
	result, err := sb.Exec(ctx, "echo $GREETING; cat app/marker", nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(result.Stdout)
	// Output:
	// my-env ready
	// hello
	// built
}

// Auto-snapshots: at an interval of at least five minutes.
func ExampleSandbox_EnableAutoSnapshot() {
	ctx := context.Background()
	sb, done := newSandbox(ctx)
	defer done()
	fmt.Println(sb.EnableAutoSnapshot(ctx, 15*time.Minute))
	fmt.Println(sb.DisableAutoSnapshot(ctx))
	fmt.Println(errors.Is(sb.EnableAutoSnapshot(ctx, time.Minute), sandflare.ErrInvalidArgument))
	// Output:
	// <nil>
	// <nil>
	// true
}

// Metrics & processes: look, and kill.
func ExampleSandbox_Processes() {
	ctx := context.Background()
	sb, done := newSandbox(ctx)
	defer done()
	metrics, err := sb.Metrics(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(metrics.CPUCount > 0, metrics.MemTotal > metrics.MemUsed)

	if _, err := sb.Exec(ctx, "sleep 1000 > /dev/null 2>&1 & sleep 0.2", nil); err != nil {
		log.Fatal(err)
	}
	processes, err := sb.Processes(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range processes {
		if strings.HasPrefix(p.Command, "sleep") {
			fmt.Println(p.Command, sb.KillProcess(ctx, p.PID))
		}
	}
	// Output:
	// true true
	// sleep 1000 <nil>
}

// Volumes: data that outlives sandboxes.
func ExampleClient_CreateVolume() {
	ctx := context.Background()
	client, err := sandflare.NewClient()
	if err != nil {
		log.Fatal(err)
	}
	volume, err := client.CreateVolume(ctx, "my-data", &sandflare.CreateVolumeOptions{SizeGB: 50})
	if err != nil {
		log.Fatal(err)
	}
	defer client.DeleteVolume(ctx, volume.ID)
	for _, command := range []string{"echo kept > data/file", "cat data/file"} {
		sb, err := client.CreateSandbox(ctx, &sandflare.CreateOptions{Volumes: map[string]string{"/home/user/data": volume.ID}})
		if err != nil {
			log.Fatal(err)
		}
		result, err := sb.Exec(ctx, command, nil)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(result.Stdout)
		if err := sb.Delete(ctx); err != nil {
			log.Fatal(err)
		}
	}
	// Output: kept
}

// Git clone: a branch of a repository, here one that lies in the sandbox.
func ExampleSandbox_GitClone() {
	ctx := context.Background()
	sb, done := newSandbox(ctx)
	defer done()
	_, err := sb.Exec(ctx, `git init -q -b main /tmp/origin && cd /tmp/origin && echo hello > README.md && git add . &&
		git -c user.name=a -c user.email=a@example.com commit -q -m first`, nil)
	if err != nil {
		log.Fatal(err)
	}
	clone, err := sb.GitClone(ctx, "file:///tmp/origin", &sandflare.GitCloneOptions{Path: "/home/user/repo", Branch: "main"})
	if err != nil {
		log.Fatal(err)
	}
	text, err := sb.ReadFile(ctx, clone.Path+"/README.md")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: %s", clone.Branch, text)
	// Output: main: hello
}

// newSandbox makes the sandbox of an example; done deletes it.
func newSandbox(ctx context.Context) (sb *sandflare.Sandbox, done func()) {
	client, err := sandflare.NewClient()
	if err != nil {
		log.Fatal(err)
	}
	sb, err = client.CreateSandbox(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	return sb, func() { sb.Close() }
}
