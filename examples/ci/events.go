package ci

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"
)

// events collects what a step prints. Written to, it takes the lines of
// "go test -json"; see "go doc test2json".
type events struct {
	text, stderr bytes.Buffer
	rest         []byte // a line that is not whole yet
	cases        []Case
	said         map[string]*strings.Builder // output by package and test
}

// event is one line of "go test -json".
type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64
}

// Write takes lines, however they are cut.
func (e *events) Write(p []byte) (int, error) {
	e.rest = append(e.rest, p...)
	for {
		line, rest, whole := bytes.Cut(e.rest, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		e.line(line)
		e.rest = rest
	}
}

func (e *events) line(line []byte) {
	var ev event
	if json.Unmarshal(line, &ev) != nil || ev.Action == "" {
		e.text.Write(append(line, '\n')) // what the go command itself has to say
		return
	}
	key := ev.Package + " " + ev.Test
	switch ev.Action {
	case "output", "build-output":
		if e.said == nil {
			e.said = map[string]*strings.Builder{}
		}
		if e.said[key] == nil {
			e.said[key] = &strings.Builder{}
		}
		e.said[key].WriteString(ev.Output)
		e.text.WriteString(ev.Output)
	case "pass", "fail", "skip":
		if ev.Test != "" { // a package's own end says nothing that its tests do not say
			e.end(ev, key)
		}
	}
}

func (e *events) end(ev event, key string) {
	output := ""
	if said := e.said[key]; said != nil {
		output = said.String()
		delete(e.said, key)
	}
	c := Case{Class: ev.Package, Name: ev.Test, Seconds: ev.Elapsed}
	switch ev.Action {
	case "fail":
		c.Failure = &Outcome{Message: "failed", Text: output}
	case "skip":
		c.Skipped = &Outcome{Message: strings.TrimSpace(output)}
	}
	e.cases = append(e.cases, c)
}

// output is all that was printed, stdout first.
func (e *events) output() string { return e.text.String() + e.stderr.String() }

// suite is the step's report so far: one case per test, or one in all.
func (e *events) suite(step Step, took time.Duration) *Suite {
	suite := &Suite{Name: step.Name, Seconds: took.Round(time.Millisecond).Seconds(), Output: e.output()}
	if !step.GoTest {
		suite.add(Case{Class: step.Name, Name: step.Name, Seconds: took.Round(time.Millisecond).Seconds()})
	}
	for _, c := range e.cases {
		suite.add(c)
	}
	return suite
}
