package sandflare_test

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	proofName   = regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9_]+|[A-Z][0-9]+b?)`")
	testOrFuzz  = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Za-z0-9_]+)\(`)
	countOfRows = regexp.MustCompile(`has (\d+) rows`)
)

// TestReliabilityTable keeps docs/reliability.md true: every promise names
// tests or rows, and what it names exists.
func TestReliabilityTable(t *testing.T) {
	t.Parallel()
	page := readText(t, "docs/reliability.md")
	tests, rows := testsOfAllPackages(t), faultsWithTests(t)
	_, table, _ := strings.Cut(page, "| promised | shown by |\n|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	promises := strings.Split(table, "\n")
	require.Greater(t, len(promises), 10, "the table is there")
	for _, promise := range promises {
		shownBy := strings.Split(promise, " | ")[1]
		assert.Regexp(t, proofName, shownBy, "%s: nothing shows it", promise)
	}
	for _, name := range proofName.FindAllStringSubmatch(page, -1) {
		assert.True(t, tests[name[1]] || len(rows[name[1]]) > 0, "there is no test or row %s", name[1])
	}
	all := faultRow.FindAllString(readText(t, "testdata/faults.md"), -1)
	assert.Contains(t, countOfRows.FindStringSubmatch(page), strconv.Itoa(len(all)), "the number of rows")
}

// testsOfAllPackages are the names of tests and fuzz targets, wherever they stand.
func testsOfAllPackages(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	require.NoError(t, filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || strings.HasPrefix(entry.Name(), ".") && name != "." {
			return errOrSkip(entry, err)
		}
		if strings.HasSuffix(name, "_test.go") {
			for _, f := range testOrFuzz.FindAllStringSubmatch(readText(t, name), -1) {
				names[f[1]] = true
			}
		}
		return nil
	}))
	return names
}
