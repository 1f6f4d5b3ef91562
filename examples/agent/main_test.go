package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/leaks"
	"github.com/sandflare/sandflare-go/sandflaretest"
)

// TestMain lets the test binary be the program, so that tests run it whole.
func TestMain(m *testing.M) {
	if os.Getenv("EXAMPLE_MAIN") != "" {
		main()
		return
	}
	os.Exit(leaks.Run(m.Run))
}

// asked is what the program sends to the endpoint.
type asked struct {
	Model    string
	Messages []message
	Tools    []struct {
		Type     string
		Function struct {
			Name       string
			Parameters struct {
				Type     string
				Required []string
			}
		}
	}
}

// results are the answers to the last turn's calls, by their ids.
func (a asked) results() map[string]string {
	found := map[string]string{}
	for i := len(a.Messages) - 1; a.Messages[i].Role == "tool"; i-- {
		found[a.Messages[i].ToolCallID] = a.Messages[i].Content
	}
	return found
}

func call(id, name, arguments string) toolCall {
	c := toolCall{ID: id, Type: "function"}
	c.Function.Name, c.Function.Arguments = name, arguments
	return c
}

// endpoint is a model that does one turn after the other.
func endpoint(t *testing.T, turns ...func(asked) message) *httptest.Server {
	turn := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		var a asked
		assert.NoError(t, json.Unmarshal(body, &a))
		assert.Equal(t, "/v1/chat/completions", r.URL.Path)
		assert.Equal(t, "Bearer model-key", r.Header.Get("Authorization"))
		assert.Equal(t, "model-1", a.Model)
		if turn >= len(turns) {
			http.Error(w, `{"error": {"message": "no such turn"}}`, http.StatusTeapot)
			return
		}
		reply := turns[turn](a)
		reply.Role = "assistant"
		turn++
		assert.NoError(t, json.NewEncoder(w).Encode(map[string]any{"choices": []any{map[string]any{"message": reply}}}))
	}))
	t.Cleanup(server.Close)
	return server
}

// program runs the program with a local Sandflare and an endpoint.
func program(t *testing.T, sandflare *sandflaretest.Server, model *httptest.Server) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "Count", "them.")
	cmd.Env = append(append(os.Environ(), sandflare.Env()...), "EXAMPLE_MAIN=1",
		"OPENAI_BASE_URL="+model.URL+"/v1/", "OPENAI_API_KEY=model-key", "OPENAI_MODEL=model-1")
	out, err := cmd.CombinedOutput()
	left, listErr := sandflare.Client().ListSandboxes(t.Context(), nil)
	require.NoError(t, listErr)
	assert.Len(t, left, 0)
	return string(out), err
}

func TestToolsReallyRun(t *testing.T) {
	t.Parallel()
	first := func(a asked) message {
		assert.Equal(t, message{Role: "user", Content: "Count them."}, a.Messages[len(a.Messages)-1])
		names := map[string][]string{}
		for _, tool := range a.Tools {
			assert.Equal(t, "function", tool.Type)
			names[tool.Function.Name] = tool.Function.Parameters.Required
		}
		assert.Equal(t, map[string][]string{"exec": {"command"}, "run_python": {"code"}, "write_file": {"path", "content"}, "read_file": {"path"}}, names)
		return message{ToolCalls: []toolCall{
			call("a", "write_file", `{"path": "words/list.txt", "content": "one\ntwo\nthree\n"}`),
			call("b", "exec", `{"command": "ls words; echo oh >&2; exit 3"}`),
		}}
	}
	second := func(a asked) message {
		assert.Equal(t, map[string]string{"a": "written", "b": "exit code 3\nstdout:\nlist.txt\n\nstderr:\noh\n"}, a.results())
		return message{ToolCalls: []toolCall{
			call("c", "read_file", `{"path": "words/list.txt"}`),
			call("d", "read_file", `{"path": "no/such/file"}`),
			call("e", "exec", `{"command": `),
			call("f", "fly", `{}`),
			call("g", "exec", `{"command": "wc -l < words/list.txt"}`),
			call("h", "exec", `{"command": "seq 100000"}`),
		}}
	}
	third := func(a asked) message {
		results := a.results()
		assert.Len(t, results, 6)
		assert.Equal(t, "one\ntwo\nthree\n", results["c"])
		assert.Regexp(t, "^error: .*404", results["d"])
		assert.Regexp(t, "^error: the arguments are not the JSON", results["e"])
		assert.Equal(t, "error: there is no tool fly", results["f"])
		assert.Regexp(t, `(?s)^exit code 0\nstdout:\n1\n2\n.*left out.*\n100000\n`, results["h"])
		assert.Less(t, len(results["h"]), 20<<10)
		lines := strings.Split(results["g"], "\n")[2]
		return message{Content: fmt.Sprintf("There are %s of them.", lines)}
	}
	out, err := program(t, sandflaretest.Start(t), endpoint(t, first, second, third))
	require.NoError(t, err, "%s", out)
	assert.Contains(t, out, `exec {"command": "wc -l < words/list.txt"}`+"\n")
	assert.True(t, strings.HasSuffix(out, "\nThere are 3 of them.\n"), out)
}

func TestRunPython(t *testing.T) {
	t.Parallel()
	var result string
	out, err := program(t, sandflaretest.Start(t), endpoint(t,
		func(asked) message {
			return message{ToolCalls: []toolCall{call("a", "run_python", `{"code": "print(6 * 7)"}`)}}
		},
		func(a asked) message {
			result = a.results()["a"]
			return message{Content: "done"}
		}))
	require.NoError(t, err, "%s", out)
	if strings.HasPrefix(result, "error: ") {
		require.Contains(t, result, "python3", "the model is told what is missing")
		t.Skip(result)
	}
	assert.Equal(t, "exit code 0\nstdout:\n42\n\nstderr:\n", result)
}

// TestALostAnswerIsToldToTheModel: it can look what happened before it tries again.
func TestALostAnswerIsToldToTheModel(t *testing.T) {
	t.Parallel()
	server := sandflaretest.Start(t)
	server.Faults().On("sandbox.exec").Then(sandflaretest.LoseAnswer())
	out, err := program(t, server, endpoint(t,
		func(asked) message {
			return message{ToolCalls: []toolCall{call("a", "exec", `{"command": "echo x >> log"}`)}}
		},
		func(a asked) message {
			assert.Contains(t, a.results()["a"], "outcome unknown")
			return message{ToolCalls: []toolCall{call("b", "read_file", `{"path": "log"}`)}}
		},
		func(a asked) message {
			assert.Equal(t, "x\n", a.results()["b"], "it ran once")
			return message{Content: "It had run."}
		}))
	require.NoError(t, err, "%s", out)
	assert.Contains(t, out, "It had run.")
}

func TestTheEndpointFails(t *testing.T) {
	t.Parallel()
	out, err := program(t, sandflaretest.Start(t), endpoint(t))
	assert.Error(t, err)
	assert.Contains(t, out, "418")
	assert.Contains(t, out, "no such turn")
	assert.NotContains(t, out, "model-key")
}

func TestAModelWithoutEnd(t *testing.T) {
	t.Parallel()
	turns := make([]func(asked) message, maxTurns)
	for i := range turns {
		turns[i] = func(asked) message { return message{ToolCalls: []toolCall{call("a", "exec", `{"command": "true"}`)}} }
	}
	out, err := program(t, sandflaretest.Start(t), endpoint(t, turns...))
	assert.Error(t, err)
	assert.Contains(t, out, "did not come to an end")
}
