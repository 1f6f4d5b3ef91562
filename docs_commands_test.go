package sandflare_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/sandflaretest"
)

// shownCommand is one that a page shows, and where.
type shownCommand struct{ where, text string }

// shownCommands are the lines of all blocks of shell, and the steps of workflows.
func shownCommands(t *testing.T) (list []shownCommand) {
	t.Helper()
	comment := regexp.MustCompile(`\s+#.*$`)
	for _, b := range blocks(t, "sh", "yaml") {
		for i, line := range strings.Split(b.text, "\n") {
			line = strings.TrimSpace(comment.ReplaceAllString(line, ""))
			if b.language == "yaml" {
				_, line, _ = strings.Cut(line, "- run: ")
			}
			if line != "" && !strings.HasPrefix(line, "#") {
				list = append(list, shownCommand{fmt.Sprintf("%s:%d", b.page, b.line+i), line})
			}
		}
	}
	require.NotEmpty(t, list)
	return list
}

// TestShownCommands: each is a make target, or what one runs, or is run here.
func TestShownCommands(t *testing.T) {
	t.Parallel()
	makefile := readText(t, "Makefile")
	recipes := strings.NewReplacer("$(LOCALLY)", "go run ./cmd/sandflare-local run -- go", "$(GO)", "go", "$(RACE)", "-race").Replace(makefile)
	mends := readText(t, "internal/local/guest/whynot_linux.go")
	place := newPlace(t)
	variables := regexp.MustCompile(`^([A-Z]+=\S+ )+make `) // of a target
	for _, c := range shownCommands(t) {
		name, rest, _ := strings.Cut(variables.ReplaceAllString(c.text, "make "), " ")
		switch name {
		case "make":
			for _, word := range strings.Fields(rest) {
				if regexp.MustCompile(`^[a-z-]+$`).MatchString(word) {
					assert.Contains(t, makefile, "\n"+word+":", c.where)
				}
			}
		case ".ci/run":
			assert.FileExists(t, ".ci/run", c.where)
		case "export":
			assert.Regexp(t, `^(SANDFLARE|OPENAI)_[A-Z_]+=`, rest, c.where)
		case "sudo", "docker":
			assert.Contains(t, mends, `"`+c.text, "%s: no command that doctor names", c.where)
		case "sandflare-local", "curl":
			place.run(c)
		case "go":
			if rest == "get "+module {
				continue // it needs what is published; newPlace requires what is here
			}
			if !strings.Contains(recipes, c.text) {
				place.run(c)
			}
		default:
			t.Errorf("%s: nothing runs %q", c.where, c.text)
		}
	}
}

// place is a module like a user's, beside a local Sandflare.
type place struct {
	t        *testing.T
	dir, bin string
	env      []string
}

// newPlace has the module require ours, with the tests that pages show and
// a program in it, and sandflare-local installed.
func newPlace(t *testing.T) *place {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("there is no local Sandflare on Windows")
	}
	root, err := os.Getwd()
	require.NoError(t, err)
	p := &place{t: t, dir: t.TempDir(), bin: t.TempDir()}
	p.env = append(append(os.Environ(), sandflaretest.Start(t).Env()...), "GOBIN="+p.bin, "PATH="+p.bin+":"+os.Getenv("PATH"),
		"GOPROXY=off", "GOSUMDB=off", "GOFLAGS=-mod=mod -buildvcs=false")
	// Our requirements are the user's, too. Listed, they need no look-up: no network.
	requires := strings.Replace(readText(t, "go.mod"), "module "+module+"\n", "module example.com/agent\n", 1)
	p.write("go.mod", requires+"\nrequire "+module+" v0.0.0\n\nreplace "+module+" => "+root+"\n")
	p.write("go.sum", readText(t, "go.sum"))
	p.write("main.go", "package main\n\nimport (\n\t\"fmt\"\n\t\""+module+"\"\n)\n\nfunc main() { fmt.Println(sandflare.NewClient()) }\n")
	p.write("agent.py", pythonAgent)
	var tests strings.Builder
	for _, b := range blocks(t, "go") {
		if strings.HasPrefix(b.text, "func Test") {
			tests.WriteString(b.text)
		}
	}
	require.NotEmpty(t, tests.String())
	p.write("agent_test.go", "package main\n\nimport (\n\t\"errors\"\n\t\"testing\"\n\n\t\""+module+"\"\n\t\""+module+"/sandflaretest\"\n)\n\n"+tests.String())
	p.run(shownCommand{"setting up", "go install " + module + "/cmd/sandflare-local@latest"})
	return p
}

// pythonAgent is a client in another language, by the variables alone.
const pythonAgent = `import json, os, ssl, urllib.request
request = urllib.request.Request(os.environ["SANDFLARE_API_URL"] + "/_local/info", headers={"X-API-Key": os.environ["SANDFLARE_API_KEY"]})
assert request.full_url.startswith("https://"), request.full_url
print(json.load(urllib.request.urlopen(request, context=ssl.create_default_context()))["version"])
`

func (p *place) write(name, text string) {
	p.t.Helper()
	require.NoError(p.t, os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o644))
}

// run runs a command as it is shown.
func (p *place) run(c shownCommand) {
	p.t.Helper()
	for _, program := range []string{"curl", "python3"} {
		if strings.Contains(c.text, program+" ") {
			if _, err := exec.LookPath(program); err != nil {
				p.t.Logf("%s: not run for want of %s: %s", c.where, program, c.text)
				return
			}
		}
	}
	text := strings.NewReplacer(
		"curl ", "curl -fsS ", // an answer that is an error is one here
		"/cmd/sandflare-local@latest", "/cmd/sandflare-local", // what is here, not what is published
	).Replace(c.text)
	if strings.HasPrefix(text, "sandflare-local serve") {
		p.serve(c.where, text)
		return
	}
	cmd := exec.CommandContext(p.t.Context(), "sh", "-c", text)
	cmd.Dir, cmd.Env = p.dir, p.env
	out, err := cmd.CombinedOutput()
	assert.NoError(p.t, err, "%s: %s\n%s", c.where, text, out)
}

// serve starts a server, at a free port, until it has said where it is.
func (p *place) serve(where, text string) {
	p.t.Helper()
	cmd := exec.CommandContext(p.t.Context(), "sh", "-c", "exec "+text+" --addr 127.0.0.1:0")
	cmd.Dir, cmd.Env = p.dir, p.env
	out, err := cmd.StdoutPipe()
	require.NoError(p.t, err)
	require.NoError(p.t, cmd.Start())
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "SANDFLARE_API_KEY=") {
	}
	assert.NotEmpty(p.t, lines.Text(), where)
	require.NoError(p.t, cmd.Process.Signal(os.Interrupt))
	assert.NoError(p.t, cmd.Wait(), where)
}
