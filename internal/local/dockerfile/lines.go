package dockerfile

import (
	"strings"
)

// lines hands out the logical lines of a Dockerfile.
type lines struct {
	all    []string
	next   int
	escape byte
}

func newLines(text string) (*lines, error) {
	text = strings.TrimPrefix(text, "\ufeff")
	l := &lines{all: strings.Split(text, "\n"), escape: '\\'}
	for i, line := range l.all {
		l.all[i] = strings.TrimSuffix(line, "\r")
		if strings.IndexByte(line, 0) >= 0 {
			return nil, &Error{Line: i + 1, Reason: "a NUL byte: this is no text file"}
		}
	}
	return l, l.directives()
}

// directives reads "# name=value" lines; the first line of another kind ends them.
func (l *lines) directives() error {
	seen := map[string]bool{}
	for ; l.next < len(l.all); l.next++ {
		comment, ok := strings.CutPrefix(strings.TrimSpace(l.all[l.next]), "#")
		name, value, assigned := strings.Cut(comment, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if !ok || !assigned || (name != "escape" && name != "syntax" && name != "check") {
			return nil
		}
		if seen[name] {
			return &Error{Line: l.next + 1, Reason: "a second " + name + " directive: remove one"}
		}
		seen[name] = true
		value = strings.TrimSpace(value)
		if name == "escape" && value != `\` && value != "`" {
			return &Error{Line: l.next + 1, Reason: "escape must be \\ or `"}
		}
		if name == "escape" {
			l.escape = value[0]
		}
	}
	return nil
}

// logical returns the next line that holds an instruction, joined with those
// it goes on in, and the number of its first. Comments and empty lines between
// them are left out, as Docker does. The text is empty at the end.
func (l *lines) logical() (number int, text string) {
	var b strings.Builder
	for ; l.next < len(l.all); l.next++ {
		line := l.all[l.next]
		trimmed := strings.TrimSpace(line)
		if trimmed == "" || trimmed[0] == '#' {
			continue
		}
		if number == 0 {
			number, line = l.next+1, strings.TrimLeft(line, " \t")
		}
		part, more := l.continued(line)
		b.WriteString(part)
		if !more {
			l.next++
			break
		}
	}
	return number, strings.TrimSpace(b.String())
}

// continued cuts the escape character from the end of a line that goes on. Two
// of them are an escaped one, and the line ends.
func (l *lines) continued(line string) (string, bool) {
	trimmed := strings.TrimRight(line, " \t")
	part, ok := strings.CutSuffix(trimmed, string(l.escape))
	if !ok || strings.HasSuffix(part, string(l.escape)) {
		return line, false
	}
	return part, true
}

// body reads a here-document up to its delimiter.
func (l *lines) body(h heredoc) (string, bool) {
	var b strings.Builder
	for ; l.next < len(l.all); l.next++ {
		line := l.all[l.next]
		if h.tabs {
			line = strings.TrimLeft(line, "\t")
		}
		if line == h.name {
			l.next++
			return b.String(), true
		}
		b.WriteString(line)
		b.WriteByte('\n')
	}
	return "", false
}
