// Package ignore reads .dockerignore files and says which paths of a build
// context they leave out. The client that sends a context and the server that
// copies from one use the same rules.
package ignore

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// Matcher holds the rules of one .dockerignore file. It is never changed after
// [Parse] and may be used by several goroutines. A nil Matcher leaves nothing out.
type Matcher struct{ rules []rule }

type rule struct {
	keep    bool   // the line began with !
	literal string // the leading folders that hold no wildcard
	re      *regexp.Regexp
}

// Parse reads the text of a .dockerignore file. As with Docker, a line that
// begins with # is a comment, blanks around a pattern and slashes before and
// after it mean nothing (so "build/" also names a file), ** stands for any
// number of folders, and ! takes paths back in. Errors name the line.
func Parse(text string) (*Matcher, error) {
	m := &Matcher{}
	text = strings.TrimPrefix(text, "\ufeff")
	for i, line := range strings.Split(text, "\n") {
		r, err := parseLine(line)
		if err != nil {
			return nil, fmt.Errorf(".dockerignore line %d: %w", i+1, err)
		}
		if r != nil {
			m.rules = append(m.rules, *r)
		}
	}
	return m, nil
}

// parseLine returns nil for a line without a pattern.
func parseLine(line string) (*rule, error) {
	if strings.HasPrefix(line, "#") {
		return nil, nil
	}
	pattern, keep := strings.CutPrefix(strings.TrimSpace(line), "!")
	pattern = strings.TrimSpace(pattern)
	if pattern == "" {
		if keep {
			return nil, fmt.Errorf("! needs a pattern after it")
		}
		return nil, nil
	}
	pattern = strings.TrimPrefix(path.Clean(pattern), "/")
	if pattern == "." || pattern == "" {
		return nil, nil
	}
	if _, err := path.Match(pattern, ""); err != nil {
		return nil, fmt.Errorf("pattern %q: brackets or a backslash are not closed", pattern)
	}
	re, err := regexp.Compile(expression(pattern))
	if err != nil {
		return nil, fmt.Errorf("pattern %q: %w", pattern, err)
	}
	return &rule{keep: keep, literal: literalFolders(pattern), re: re}, nil
}

// Match reports whether the file or folder name, relative to the context and
// separated by slashes, is left out. A rule that matches a folder holds for all
// below it; the last rule that matches decides.
func (m *Matcher) Match(name string) bool {
	if m == nil {
		return false
	}
	name = clean(name)
	for i := len(m.rules) - 1; i >= 0; i-- {
		if m.rules[i].matches(name) {
			return !m.rules[i].keep
		}
	}
	return false
}

// Prune reports whether the folder dir is left out with everything below it,
// so that a walk need not enter it.
func (m *Matcher) Prune(dir string) bool {
	if !m.Match(dir) {
		return false
	}
	dir = clean(dir)
	for _, r := range m.rules {
		if r.keep && (below(dir, r.literal) || below(r.literal, dir)) {
			return false
		}
	}
	return true
}

// matches tries name and each folder above it.
func (r *rule) matches(name string) bool {
	for name != "." && name != "" {
		if r.re.MatchString(name) {
			return true
		}
		name = path.Dir(name)
	}
	return false
}

func clean(name string) string { return strings.TrimPrefix(path.Clean("/"+name), "/") }

// below reports whether name is dir or lies in it; everything lies in "".
func below(name, dir string) bool {
	return dir == "" || name == dir || strings.HasPrefix(name, dir+"/")
}
