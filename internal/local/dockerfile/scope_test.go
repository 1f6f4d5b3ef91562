package dockerfile_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/sandflare/sandflare-go/internal/local/dockerfile"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// walk returns the steps as an executor sees them.
func walk(t *testing.T, scope *dockerfile.Scope, text string) []dockerfile.Instruction {
	t.Helper()
	f, err := dockerfile.Parse(text)
	require.NoError(t, err)
	var out []dockerfile.Instruction
	for _, step := range f.Steps {
		step, err := scope.Next(step)
		require.NoError(t, err)
		out = append(out, step.Instruction)
	}
	return out
}

func TestScopeGrows(t *testing.T) {
	t.Parallel()
	scope := dockerfile.NewScope(map[string]string{"PATH": "/bin", "HOME": "/home/user"})
	steps := walk(t, scope, `ARG VERSION=24.04
ARG UNUSED=u
FROM ubuntu:${VERSION}
ARG VERSION
ARG UNDECLARED
ARG EXTRA="$VERSION!" TARGETARCH
ENV abc=hello PATH=/x:$PATH
ENV abc=bye def=$abc ghi="$UNUSED-${EXTRA}"
ARG abc=hidden
WORKDIR /app
WORKDIR ${def}/sub/..
USER ${abc}
LABEL $abc="${NO:-a b}"
EXPOSE $PORTS 80
RUN echo $abc
SHELL ["/bin/bash", "-c"]
`)
	assert.Equal(t, &dockerfile.From{Image: "ubuntu:24.04"}, steps[2])
	assert.Equal(t, map[string]string{"abc": "bye", "def": "hello", "ghi": "-24.04!", "PATH": "/x:/bin"}, scope.Env())
	assert.Equal(t, []string{"EXTRA=24.04!", "PATH=/x:/bin", "TARGETARCH=" + runtime.GOARCH, "VERSION=24.04", "abc=bye", "def=hello", "ghi=-24.04!"}, scope.Environ())
	assert.Equal(t, "/app/hello", scope.Workdir)
	assert.Equal(t, "bye", scope.User)
	assert.Equal(t, []string{"/bin/bash", "-c"}, scope.Shell)
	assert.Equal(t, &dockerfile.Label{Pairs: []dockerfile.Pair{{Name: "bye", Value: "a b"}}}, steps[12])
	assert.Equal(t, &dockerfile.Expose{Ports: []string{"80"}}, steps[13])
	assert.Equal(t, &dockerfile.Run{Command: shell("echo $abc")}, steps[14])
}

func TestScopeExpandsCopy(t *testing.T) {
	t.Parallel()
	steps := walk(t, dockerfile.NewScope(nil), "FROM a\nENV U=me D=/d\nCOPY --chown=$U --chmod=${M:-644} \"$D\"/a <<x <<'y' $D/\n\"$U\" \\$U \\n\nx\n$U\ny\n")
	assert.Equal(t, &dockerfile.Copy{
		Sources: []string{"/d/a"}, Dest: "/d/", Chown: "me", Chmod: "644",
		Inline: []dockerfile.Inline{{Name: "x", Text: "\"me\" $U \\n\n"}, {Name: "y", Text: "$U\n", Literal: true}},
	}, steps[2])
}

func TestScopeNamesTheLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"WORKDIR $NO":         "Dockerfile line 2: WORKDIR: is empty after its variables",
		"ADD ${U}x /y":        "Dockerfile line 2: ADD: \"https://x\" is remote",
		"COPY a $NO":          "COPY: is empty after",
		"COPY $NO b":          "COPY: is empty after",
		"COPY --chmod=$U a b": "write it in octal",
		"EXPOSE $U":           "is no port",
		"EXPOSE $NO":          "is empty after",
		"USER ${NO:?say who}": "USER: NO: say who",
		"ENV $U=1":            "is no variable name",
		"LABEL $NO=1":         "is empty after",
	} {
		f, err := dockerfile.Parse("FROM a\n" + text)
		require.NoError(t, err, text)
		scope := dockerfile.NewScope(map[string]string{"U": "https://"})
		_, err = scope.Next(f.Steps[0])
		require.NoError(t, err)
		_, err = scope.Next(f.Steps[1])
		assert.ErrorContains(t, err, want, text)
	}
}

func TestArgv(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []string{"/bin/sh", "-c", "a b"}, shell("a b").Argv(nil))
	assert.Equal(t, []string{"/bin/bash", "-ec", "a b"}, shell("a b").Argv([]string{"/bin/bash", "-ec"}))
	assert.Equal(t, []string{"a", "b"}, words("a", "b").Argv([]string{"/bin/bash", "-ec"}))
}

func TestScriptRuns(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("no /bin/sh")
	}
	tmp := t.TempDir()
	script := dockerfile.Command{Script: "#!/bin/sh -e\nprintf '%s' \"it's $#\"\nexit 7\n"}
	argv := script.Argv(nil)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	out, _ := cmd.Output()
	assert.Equal(t, "it's 0", string(out))
	assert.Equal(t, 7, cmd.ProcessState.ExitCode())
	left, err := filepath.Glob(tmp + "/*")
	require.NoError(t, err)
	assert.Empty(t, left, "the script is removed")
}
