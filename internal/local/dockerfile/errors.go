package dockerfile

import (
	"fmt"
	"strings"
)

// Error says which line of a Dockerfile cannot be built and why.
type Error struct {
	Line        int
	Instruction string // its keyword; empty when there is none
	Reason      string
}

func (e *Error) Error() string {
	if e.Instruction == "" {
		return fmt.Sprintf("Dockerfile line %d: %s", e.Line, e.Reason)
	}
	return fmt.Sprintf("Dockerfile line %d: %s: %s", e.Line, e.Instruction, e.Reason)
}

// unsupported holds the instructions that Docker knows and this package refuses.
var unsupported = map[string]string{
	"HEALTHCHECK": "nothing runs health checks in a sandbox",
	"MAINTAINER":  "use LABEL maintainer=… instead",
	"ONBUILD":     "templates are not built on one another",
	"STOPSIGNAL":  "a sandbox has no main process to stop",
	"VOLUME":      "volumes are attached when a sandbox is created",
}

// unknown is the reason given for a keyword that is no instruction.
func unknown(keyword string) string {
	if reason, ok := unsupported[keyword]; ok {
		return "not supported: " + reason
	}
	best, least := "", 4
	for _, kind := range kinds {
		if d := distance(keyword, string(kind)); d < least {
			best, least = string(kind), d
		}
	}
	if best != "" {
		return "unknown instruction: did you mean " + best + "?"
	}
	var names []string
	for _, kind := range kinds {
		names = append(names, string(kind))
	}
	return "unknown instruction; known are " + strings.Join(names, ", ") + " (a command that goes on from the line before needs a backslash there)"
}

// distance counts the letters to insert, remove or replace to get from a to b.
func distance(a, b string) int {
	if len(a) > 2*len(b)+4 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
