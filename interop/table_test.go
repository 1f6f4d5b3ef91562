package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func table(t *testing.T, sections []section, seen map[column]map[string]any) (string, bool) {
	t.Helper()
	results := map[column]report{}
	for col, steps := range seen {
		results[col] = report{}
		for step, value := range steps {
			text, err := json.Marshal(value)
			require.NoError(t, err)
			results[col][step] = text
		}
	}
	var out strings.Builder
	fine := printTable(&out, sections, results, false)
	return out.String(), fine
}

func TestTable(t *testing.T) {
	t.Parallel()
	rows := []section{{"Exec", []row{
		same("echo", result(0, "a\n", ""), of(goSDK, py16)),
		same("lost", 1, of(goSDK, py16), bug(of(py16), 2, "runs twice")),
	}}}
	good := func() map[column]map[string]any {
		return map[column]map[string]any{
			goSDK: {"Exec: echo": result(0, "a\n", ""), "Exec: lost": 1},
			py16:  {"Exec: echo": result(0, "a\n", ""), "Exec: lost": 2.0},
		}
	}
	for name, c := range map[string]struct {
		change func(map[column]map[string]any)
		fine   bool
		shows  string
	}{
		"as expected":           {func(map[column]map[string]any) {}, true, "1 cells show a bug"},
		"all agree on a wrong":  {func(m map[column]map[string]any) { m[goSDK]["Exec: echo"], m[py16]["Exec: echo"] = 1, 1 }, false, "MISMATCH"},
		"one differs":           {func(m map[column]map[string]any) { m[py16]["Exec: echo"] = result(1, "", "") }, false, `Python 2.1.16: expected [0,"a\n","",true], saw [1,"","",false]`},
		"a bug is gone":         {func(m map[column]map[string]any) { m[py16]["Exec: lost"] = 1 }, false, "Python 2.1.16: expected 2, saw 1"},
		"a step is missing":     {func(m map[column]map[string]any) { delete(m[goSDK], "Exec: echo") }, false, "MISSING"},
		"a client is missing":   {func(m map[column]map[string]any) { delete(m, py16) }, false, "MISSING"},
		"a step nobody expects": {func(m map[column]map[string]any) { m[py16]["Exec: new"] = 1 }, false, "NOT IN THE TABLE  Python 2.1.16"},
		"a client nobody asked": {func(m map[column]map[string]any) { m[cli] = map[string]any{"Exec: echo": 1} }, false, "NOT IN THE TABLE  CLI"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := good()
			c.change(seen)
			text, fine := table(t, rows, seen)
			assert.Equal(t, c.fine, fine, text)
			assert.Contains(t, text, c.shows)
		})
	}
}

func TestEveryReadmeHeadingIsASection(t *testing.T) {
	t.Parallel()
	rows := map[string]int{}
	steps := map[string]bool{}
	for _, s := range sections(machine{}) {
		rows[s.heading] += len(s.rows)
		for _, r := range s.rows {
			step := s.heading + ": " + r.name
			assert.False(t, steps[step], "%q is twice in the table", step)
			steps[step] = true
			assert.NotZero(t, r.on, step)
			for _, e := range r.except {
				assert.NotZero(t, e.on&r.on, "%q has an exception for nobody", step)
			}
		}
	}
	for _, heading := range readmeHeadings {
		assert.NotZero(t, rows[heading], heading)
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	rep, err := readReport(strings.NewReader("{\"step\": \"a\", \"value\": [1]}\n{\"step\": \"b\", \"value\": null}\n"))
	require.NoError(t, err)
	assert.Equal(t, report{"a": json.RawMessage("[1]"), "b": json.RawMessage("null")}, rep)
	for _, bad := range []string{"Traceback\n", "{\"step\": \"a\", \"value\": 1}\n{\"step\": \"a\", \"value\": 1}\n"} {
		_, err := readReport(strings.NewReader(bad))
		assert.Error(t, err, bad)
	}
}
