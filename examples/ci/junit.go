package ci

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// Report is JUnit's <testsuites>: one suite per step.
type Report struct {
	XMLName  xml.Name `xml:"testsuites"`
	Tests    int      `xml:"tests,attr"`
	Failures int      `xml:"failures,attr"`
	Errors   int      `xml:"errors,attr"`
	Suites   []*Suite `xml:"testsuite"`
}

// Suite is one step.
type Suite struct {
	Name     string  `xml:"name,attr"`
	Tests    int     `xml:"tests,attr"`
	Failures int     `xml:"failures,attr"`
	Errors   int     `xml:"errors,attr"`
	Skipped  int     `xml:"skipped,attr"`
	Seconds  float64 `xml:"time,attr"`
	Cases    []Case  `xml:"testcase"`
	Output   string  `xml:"system-out,omitempty"`
}

// Case is one test, or a step that is no test.
type Case struct {
	Class   string   `xml:"classname,attr"`
	Name    string   `xml:"name,attr"`
	Seconds float64  `xml:"time,attr"`
	Failure *Outcome `xml:"failure"` // the repository's fault
	Error   *Outcome `xml:"error"`   // the sandbox's
	Skipped *Outcome `xml:"skipped"`
}

// Outcome says why a case did not pass.
type Outcome struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

func (s *Suite) add(c Case) {
	s.Cases = append(s.Cases, c)
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
}

func (s *Suite) failed() bool { return s.Failures+s.Errors > 0 }

// exited notes a step's exit code, unless a test's failure explains it.
func (s *Suite) exited(step Step, code int, output string) {
	if s.failed() {
		return
	}
	outcome := &Outcome{Message: fmt.Sprintf("exit code %d", code), Text: output}
	if step.GoTest { // for example: it did not compile
		s.add(Case{Class: step.Name, Name: step.Name, Failure: outcome})
		return
	}
	s.Cases[0].Failure = outcome
	s.Failures++
}

// notRun is a step that an earlier one kept from running.
func notRun(step, failed Step) *Suite {
	suite := &Suite{Name: step.Name}
	suite.add(Case{Class: step.Name, Name: step.Name, Skipped: &Outcome{Message: failed.Name + " failed"}})
	return suite
}

func (r *Report) add(s *Suite) {
	r.Suites = append(r.Suites, s)
	r.Tests += s.Tests
	r.Failures += s.Failures
	r.Errors += s.Errors
}

// Failed lists the cases that did not pass, each with its reason.
func (r *Report) Failed() (list []string) {
	for _, suite := range r.Suites {
		for _, c := range suite.Cases {
			for _, outcome := range []*Outcome{c.Failure, c.Error} {
				if outcome != nil {
					list = append(list, strings.TrimSpace(fmt.Sprintf("%s %s: %s\n%s", c.Class, c.Name, outcome.Message, outcome.Text)))
				}
			}
		}
	}
	return list
}

// Write writes the report as JUnit XML.
func (r *Report) Write(w io.Writer) error {
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(r); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
