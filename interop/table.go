package main

import (
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// section is the rows under one heading, mostly one of the Python README.
type section struct {
	heading string
	rows    []row
}

// row is one step of the scenario: what every client in on must see, and
// which of them see something else, and why.
type row struct {
	name   string
	want   any
	on     columns
	except []exception
}

type exception struct {
	on    columns
	value any
	why   string
	bug   bool // else a difference on purpose
}

// same is a row in which all clients agree, but for the exceptions.
func same(name string, want any, on columns, except ...exception) row {
	return row{name, want, on, except}
}

// bug is what clients see by a bug of their own.
func bug(on columns, value any, why string) exception { return exception{on, value, why, true} }

// differs is what clients see by design.
func differs(on columns, value any, why string) exception { return exception{on, value, why, false} }

// report is what one client saw, as JSON, by step.
type report map[string]json.RawMessage

type verdict string

const (
	notOffered verdict = "-"
	agrees     verdict = "ok"
	knownBug   verdict = "bug"
	onPurpose  verdict = "differs"
	mismatch   verdict = "MISMATCH"
	missing    verdict = "MISSING"
)

func (v verdict) bad() bool { return v == mismatch || v == missing }

// judge compares what a client saw in one row; it returns what was expected too.
func (r row) judge(heading string, col column, rep report) (verdict, any) {
	if !r.on.has(col) {
		return notOffered, nil
	}
	want, good := r.want, agrees
	for _, e := range r.except {
		if e.on.has(col) {
			want, good = e.value, onPurpose
			if e.bug {
				good = knownBug
			}
		}
	}
	got, there := rep[heading+": "+r.name]
	switch {
	case !there:
		return missing, want
	case !equal(got, want):
		return mismatch, want
	}
	return good, want
}

// equal compares as JSON does: 1 is 1.0, a nil list is null.
func equal(got json.RawMessage, want any) bool {
	text, err := json.Marshal(want)
	if err != nil {
		return false
	}
	var a, b any
	return json.Unmarshal(got, &a) == nil && json.Unmarshal(text, &b) == nil && reflect.DeepEqual(a, b)
}

// printTable prints a line for each row and returns whether all is as expected.
func printTable(w io.Writer, sections []section, results map[column]report, verbose bool) bool {
	fine, rows, bugs := true, 0, 0
	known := map[string]columns{}
	fmt.Fprintf(w, "%-52s", "")
	for _, col := range allColumns {
		fmt.Fprintf(w, " %-13s", col)
	}
	fmt.Fprintln(w)
	for _, s := range sections {
		fmt.Fprintf(w, "%s\n", s.heading)
		for _, r := range s.rows {
			rows++
			known[s.heading+": "+r.name] = r.on
			rowFine, rowBugs := printRow(w, s.heading, r, results, verbose)
			fine, bugs = fine && rowFine, bugs+rowBugs
		}
	}
	fine = printUnknown(w, known, results) && fine
	fmt.Fprintf(w, "\n%d rows, %d cells show a bug of the Python clients as expected\n", rows, bugs)
	return fine
}

func printRow(w io.Writer, heading string, r row, results map[column]report, verbose bool) (fine bool, bugs int) {
	fine = true
	fmt.Fprintf(w, "  %-50s", r.name)
	var below []string
	for _, col := range allColumns {
		v, want := r.judge(heading, col, results[col])
		fmt.Fprintf(w, " %-13s", v)
		switch {
		case v.bad():
			fine = false
			below = append(below, fmt.Sprintf("%s: expected %s, saw %s", col, brief(want), brief(results[col][heading+": "+r.name])))
		case v == knownBug:
			bugs++
		}
	}
	fmt.Fprintln(w)
	if verbose || len(r.except) > 0 {
		below = append(below, "all: "+brief(r.want))
	}
	for _, e := range r.except {
		kind := map[bool]string{true: "bug", false: "on purpose"}[e.bug]
		below = append(below, fmt.Sprintf("%s: %s (%s: %s)", e.on, brief(e.value), kind, e.why))
	}
	for _, line := range below {
		fmt.Fprintln(w, "      "+line)
	}
	return fine, bugs
}

// printUnknown tells what clients reported outside the table: nobody compares it.
func printUnknown(w io.Writer, known map[string]columns, results map[column]report) bool {
	fine := true
	for _, col := range allColumns {
		for step, value := range results[col] {
			if !known[step].has(col) {
				fine = false
				fmt.Fprintf(w, "NOT IN THE TABLE  %s, %q: %s\n", col, step, brief(value))
			}
		}
	}
	return fine
}

const briefly = 160

// brief is a value as JSON, cut when long.
func brief(value any) string {
	if raw, ok := value.(json.RawMessage); ok {
		if len(raw) == 0 {
			return "nothing"
		}
		value = nil
		if err := json.Unmarshal(raw, &value); err != nil {
			return string(raw)
		}
	}
	var out strings.Builder
	text := json.NewEncoder(&out)
	text.SetEscapeHTML(false)
	if err := text.Encode(value); err != nil {
		return err.Error()
	}
	s := strings.TrimSpace(out.String())
	if len(s) > briefly {
		s = strings.ToValidUTF8(s[:briefly], "") + "…"
	}
	return s
}
