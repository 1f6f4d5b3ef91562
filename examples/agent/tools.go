package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sandflare/sandflare-go"
)

// timeout of one command or program. The model is told what was printed so far.
const timeout = 2 * time.Minute

// arguments are those of all tools; each uses some.
type arguments struct{ Command, Code, Path, Content string }

// tool is one thing that the model may do, as chat completions describe it.
type tool struct {
	Type     string   `json:"type"`
	Function function `json:"function"`
}

type function struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Parameters  schema `json:"parameters"`

	run func(ctx context.Context, sb *sandflare.Sandbox, args arguments) (string, error)
}

// schema is a JSON schema whose properties are texts, all of them required.
type schema struct {
	Type       string                       `json:"type"`
	Properties map[string]map[string]string `json:"properties"`
	Required   []string                     `json:"required"`
}

func text(names ...string) schema {
	s := schema{Type: "object", Properties: map[string]map[string]string{}, Required: names}
	for _, name := range names {
		s.Properties[name] = map[string]string{"type": "string"}
	}
	return s
}

var tools = []tool{
	{"function", function{"exec", "Run a bash command. Files stay between calls; variables and the directory do not.", text("command"),
		func(ctx context.Context, sb *sandflare.Sandbox, args arguments) (string, error) {
			return shown(sb.Exec(ctx, args.Command, &sandflare.ExecOptions{Timeout: timeout}))
		}}},
	{"function", function{"run_python", "Run a Python program and see what it prints.", text("code"),
		func(ctx context.Context, sb *sandflare.Sandbox, args arguments) (string, error) {
			return shown(sb.RunPython(ctx, args.Code, &sandflare.RunOptions{Timeout: timeout}))
		}}},
	{"function", function{"write_file", "Write a text file, replacing what is there.", text("path", "content"),
		func(ctx context.Context, sb *sandflare.Sandbox, args arguments) (string, error) {
			return "written", sb.WriteFile(ctx, args.Path, []byte(args.Content))
		}}},
	{"function", function{"read_file", "Read a text file.", text("path"),
		func(ctx context.Context, sb *sandflare.Sandbox, args arguments) (string, error) {
			data, err := sb.ReadFile(ctx, args.Path)
			return clip(string(data)), err
		}}},
}

// use runs the tool that the model asked for. Errors are for the model to read:
// it may do better next time. A command whose outcome is unknown says so in its
// error; the model can look before it tries again.
func use(ctx context.Context, sb *sandflare.Sandbox, call toolCall) string {
	var args arguments
	if err := json.Unmarshal([]byte(call.Function.Arguments), &args); err != nil {
		return "error: the arguments are not the JSON that was asked for: " + err.Error()
	}
	for _, tool := range tools {
		if tool.Function.Name != call.Function.Name {
			continue
		}
		result, err := tool.Function.run(ctx, sb, args)
		if err != nil {
			return "error: " + err.Error()
		}
		return result
	}
	return "error: there is no tool " + call.Function.Name
}

// shown is a result as the model sees it.
func shown(result *sandflare.ExecResult, err error) (string, error) {
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("exit code %d\nstdout:\n%s\nstderr:\n%s", result.ExitCode, clip(result.Stdout), clip(result.Stderr)), nil
}

// clip keeps the beginning and the end of a long text: a model's context is
// small, and errors stand at the end.
func clip(text string) string {
	const most = 16 << 10
	if len(text) <= most {
		return text
	}
	return text[:most/2] + fmt.Sprintf("\n… %d bytes left out …\n", len(text)-most) + text[len(text)-most/2:]
}
