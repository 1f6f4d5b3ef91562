package sandflare_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go"
)

func TestReadmeShowsTheQuickStart(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	program, err := os.ReadFile("examples/quickstart/main.go")
	require.NoError(t, err)
	_, code, ok := strings.Cut(string(program), "\npackage main")
	require.True(t, ok)
	block := regexp.MustCompile("(?s)```go\n(.*?)```").FindStringSubmatch(string(readme))
	require.NotNil(t, block)
	assert.Equal(t, "package main"+code, block[1])
}

func TestReadmeCommandsAreTargets(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	makefile, err := os.ReadFile("Makefile")
	require.NoError(t, err)
	for _, target := range regexp.MustCompile("(?m)^make ([a-z]+)").FindAllStringSubmatch(string(readme), -1) {
		assert.Contains(t, string(makefile), "\n"+target[1]+":")
	}
	assert.Contains(t, string(makefile), "run ./cmd/sandflare-local run -- $(GO) run ./examples/quickstart")
}

func TestChangelogNamesTheVersion(t *testing.T) {
	t.Parallel()
	changelog, err := os.ReadFile("CHANGELOG.md")
	require.NoError(t, err)
	newest := regexp.MustCompile(`(?m)^## \[([0-9.]+)\]`).FindStringSubmatch(string(changelog))
	require.NotNil(t, newest)
	assert.Equal(t, sandflare.Version, newest[1])
}
