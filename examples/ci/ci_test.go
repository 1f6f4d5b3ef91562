package ci

import (
	"encoding/xml"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/internal/leaks"
	"github.com/sandflare/sandflare-go/sandflaretest"
)

func TestMain(m *testing.M) { leaks.Main(m) }

var (
	service = flag.Bool("service", false, "use the Sandflare that the environment names, not one of this test's own")
	junit   = flag.String("junit", "", "`file` that gets the report as JUnit XML")
)

var pipeline = []Step{
	{Name: "build", Command: "go build -o /tmp/roman . && /tmp/roman 2026"},
	{Name: "test", Command: "go test -vet=off -json ./...", GoTest: true},
}

// TestRepository is the harness as one uses it: the repository is good if this passes.
func TestRepository(t *testing.T) {
	t.Parallel()
	sb := sandbox(t)
	report, err := Run(t.Context(), sb, "testdata/repo", pipeline)
	require.NoError(t, err)
	for _, failure := range report.Failed() {
		t.Error(failure)
	}
	if *junit != "" {
		writeReport(t, report, *junit)
	}

	build, test := report.Suites[0], report.Suites[1]
	assert.Contains(t, build.Output, "MMXXVI", "what was built runs")
	assert.Equal(t, 8, test.Tests, "TestFormat, six subtests, TestInBuildEnvironment")
	assert.Zero(t, test.Skipped, "CI is set")
	if !*service {
		testBroken(t, sb)
	}
}

// testBroken shows what the report says of repositories that are not good. They
// go into the same sandbox: only what differs is sent, and built again.
func testBroken(t *testing.T, sb *sandflare.Sandbox) {
	for name, broken := range map[string]struct {
		file, old, new, failed string
		tests, skipped         int
	}{
		"test":       {"roman/roman.go", `{4, "IV"}, `, "", `TestFormat/IV: failed`, 9, 0},
		"build":      {"main.go", "roman.Format(n)", "roman.Parse(n)", "undefined: roman.Parse", 2, 1},
		"test build": {"roman/roman_test.go", "os.Getenv", "os.Gotenv", "undefined: os.Gotenv", 2, 0},
	} {
		t.Run("broken "+name, func(t *testing.T) {
			repo := t.TempDir()
			require.NoError(t, os.CopyFS(repo, os.DirFS("testdata/repo")))
			file := filepath.Join(repo, broken.file)
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Contains(t, string(text), broken.old)
			require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(text), broken.old, broken.new, 1)), 0o644))

			report, err := Run(t.Context(), sb, repo, pipeline)
			require.NoError(t, err)
			xmlFile := filepath.Join(t.TempDir(), "report.xml")
			writeReport(t, report, xmlFile)
			report = readReport(t, xmlFile)
			assert.Contains(t, strings.Join(report.Failed(), "\n"), broken.failed)
			assert.Equal(t, broken.tests, report.Tests)
			assert.Equal(t, broken.skipped, report.Suites[1].Skipped)
			assert.Positive(t, report.Failures)
			assert.Zero(t, report.Errors)
		})
	}
}

// TestALostSandboxIsAnError: it is not the repository that failed.
func TestALostSandboxIsAnError(t *testing.T) {
	t.Parallel()
	server := sandflaretest.Start(t)
	sb, err := server.Client().CreateSandbox(t.Context(), nil)
	require.NoError(t, err)
	server.Faults().On("sandbox.exec_stream").Then(sandflaretest.DropBeforeDone())
	report, err := Run(t.Context(), sb, "testdata/repo", []Step{{Name: "build", Command: "true"}})
	require.ErrorIs(t, err, sandflare.ErrStreamInterrupted)
	assert.Equal(t, 1, report.Errors)
	assert.Contains(t, strings.Join(report.Failed(), "\n"), "stream interrupted")
}

// sandbox is one that can build Go; its test is skipped where there is no Go.
func sandbox(t *testing.T) *sandflare.Sandbox {
	t.Helper()
	sb, err := client(t).CreateSandbox(t.Context(), &sandflare.CreateOptions{Label: "ci", Size: sandflare.SizeMedium})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, sb.Close()) })
	result, err := sb.Exec(t.Context(), "go version", nil)
	require.NoError(t, err)
	if !result.OK() {
		t.Skip("the sandbox has no Go:", result.Err())
	}
	return sb
}

func client(t *testing.T) *sandflare.Client {
	t.Helper()
	if !*service {
		return sandflaretest.Start(t).Client()
	}
	c, err := sandflare.NewClient()
	require.NoError(t, err)
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func writeReport(t *testing.T, report *Report, name string) {
	t.Helper()
	file, err := os.Create(name)
	require.NoError(t, err)
	require.NoError(t, report.Write(file))
	require.NoError(t, file.Close())
}

func readReport(t *testing.T, name string) *Report {
	t.Helper()
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	var report Report
	require.NoError(t, xml.Unmarshal(data, &report))
	return &report
}
