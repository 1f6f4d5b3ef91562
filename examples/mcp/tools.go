package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/sandflare/sandflare-go"
)

// most is how much of a text a model gets; more would fill its context.
const most = 64 << 10

// The arguments and results of the tools; their JSON schemas are made of these.
type (
	execArgs struct {
		Command string `json:"command" jsonschema:"bash command line, run in /home/user unless dir is given"`
		Dir     string `json:"dir,omitempty" jsonschema:"working directory"`
		Timeout int    `json:"timeout,omitempty" jsonschema:"seconds, default 30"`
	}
	execResult struct {
		Stdout   string `json:"stdout"`
		Stderr   string `json:"stderr"`
		ExitCode int    `json:"exit_code"`
	}
	pathArgs struct {
		Path string `json:"path" jsonschema:"absolute, or relative to /home/user"`
	}
	fileContent struct {
		Content  string `json:"content"`
		Encoding string `json:"encoding" jsonschema:"utf-8, or base64 for a file that is no text"`
	}
	writeArgs struct {
		Path    string `json:"path" jsonschema:"absolute, or relative to /home/user; missing folders are made"`
		Content string `json:"content"`
	}
	written struct {
		Bytes int `json:"bytes"`
	}
	entry struct {
		Name string `json:"name"`
		Dir  bool   `json:"dir"`
		Size int64  `json:"size"`
	}
	listing struct {
		Entries []entry `json:"entries"`
	}
	snapshotArgs struct {
		Name string `json:"name" jsonschema:"what the snapshot is called"`
	}
	snapshotResult struct {
		ID string `json:"id"`
	}
	rememberArgs struct {
		Text     string `json:"text" jsonschema:"one fact, in a sentence"`
		Category string `json:"category,omitempty" jsonschema:"preference, bug_fix, project_context or command"`
	}
	remembered struct {
		ID string `json:"id"`
	}
	recallArgs struct {
		Query string `json:"query"`
		Limit int    `json:"limit,omitempty" jsonschema:"default 10"`
	}
	recalled struct {
		Facts []string `json:"facts" jsonschema:"best first"`
	}
)

// newServer offers the workspace to a model.
func newServer(w *workspace) *mcp.Server {
	server := mcp.NewServer(&mcp.Implementation{Name: "sandflare", Version: sandflare.Version}, nil)
	add(server, "exec", "Run a command in the sandbox. Files stay between calls; variables and the directory do not.", w.exec)
	add(server, "read_file", "Read a file of the sandbox.", w.readFile)
	add(server, "write_file", "Write a text file in the sandbox, replacing what is there.", w.writeFile)
	add(server, "list_dir", "List a folder of the sandbox.", w.listDir)
	add(server, "snapshot", "Keep the sandbox's files as they are now, to begin another sandbox with.", w.saveSnapshot)
	add(server, "remember", "Remember a fact beyond this sandbox.", w.remember)
	add(server, "recall", "Search what was remembered.", w.recall)
	return server
}

// add makes a tool of a function. An error it returns is shown to the model,
// which can then do better.
func add[In, Out any](server *mcp.Server, name, description string, f func(context.Context, In) (Out, error)) {
	mcp.AddTool(server, &mcp.Tool{Name: name, Description: description},
		func(ctx context.Context, _ *mcp.CallToolRequest, in In) (*mcp.CallToolResult, Out, error) {
			out, err := f(ctx, in)
			return nil, out, err
		})
}

func (w *workspace) exec(ctx context.Context, in execArgs) (out execResult, err error) {
	sb, err := w.sandbox(ctx)
	if err != nil {
		return out, err
	}
	result, err := sb.Exec(ctx, in.Command, &sandflare.ExecOptions{Dir: in.Dir, Timeout: time.Duration(in.Timeout) * time.Second})
	if err != nil {
		return out, err
	}
	return execResult{clip(result.Stdout), clip(result.Stderr), result.ExitCode}, nil
}

func (w *workspace) readFile(ctx context.Context, in pathArgs) (out fileContent, err error) {
	sb, err := w.sandbox(ctx)
	if err != nil {
		return out, err
	}
	data, err := sb.ReadFile(ctx, in.Path)
	if err != nil {
		return out, err
	}
	if !utf8.Valid(data) {
		if len(data) > most {
			return out, fmt.Errorf("%s is no text and has %d bytes; look at it with commands", in.Path, len(data))
		}
		return fileContent{base64.StdEncoding.EncodeToString(data), "base64"}, nil
	}
	return fileContent{clip(string(data)), "utf-8"}, nil
}

func (w *workspace) writeFile(ctx context.Context, in writeArgs) (out written, err error) {
	sb, err := w.sandbox(ctx)
	if err != nil {
		return out, err
	}
	return written{len(in.Content)}, sb.WriteFile(ctx, in.Path, []byte(in.Content))
}

func (w *workspace) listDir(ctx context.Context, in pathArgs) (out listing, err error) {
	sb, err := w.sandbox(ctx)
	if err != nil {
		return out, err
	}
	entries, err := sb.ReadDir(ctx, in.Path)
	out.Entries = []entry{}
	for _, e := range entries {
		out.Entries = append(out.Entries, entry{e.Name, e.IsDir, e.Size})
	}
	return out, err
}

func (w *workspace) saveSnapshot(ctx context.Context, in snapshotArgs) (out snapshotResult, err error) {
	sb, err := w.sandbox(ctx)
	if err != nil {
		return out, err
	}
	snapshot, err := sb.CreateSnapshot(ctx, &sandflare.CreateSnapshotOptions{Name: in.Name})
	if err != nil {
		return out, err
	}
	return snapshotResult{snapshot.ID}, nil
}

func (w *workspace) remember(ctx context.Context, in rememberArgs) (out remembered, err error) {
	results, err := w.client.UserMemory().Add(ctx, in.Text, &sandflare.AddMemoryOptions{Category: in.Category})
	if err == nil && len(results) > 0 {
		out.ID = results[0].ID
	}
	return out, err
}

func (w *workspace) recall(ctx context.Context, in recallArgs) (out recalled, err error) {
	found, err := w.client.UserMemory().Search(ctx, in.Query, &sandflare.SearchMemoryOptions{Limit: in.Limit})
	out.Facts = []string{}
	for _, m := range found {
		out.Facts = append(out.Facts, m.Text)
	}
	return out, err
}

// clip keeps the beginning and the end of a long text: errors stand at the end.
func clip(text string) string {
	if len(text) <= most {
		return text
	}
	head, tail := text[:most/2], text[len(text)-most/2:]
	return strings.ToValidUTF8(head, "") + fmt.Sprintf("\n… %d bytes left out …\n", len(text)-most) + strings.ToValidUTF8(tail, "")
}
