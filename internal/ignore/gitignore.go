package ignore

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// Git holds gitignore patterns, whose rules differ from those of .dockerignore:
// a pattern without a slash holds at any depth, one that ends in a slash is for
// folders alone, and what lies in a folder that is left out cannot be taken
// back in. It is never changed after [ParseGit]. A nil Git leaves nothing out.
type Git struct{ rules []gitRule }

type gitRule struct {
	keep, folders bool   // the pattern began with !, ended with /
	base          bool   // only the last element of a name counts
	literal       string // the whole pattern, where it holds no wildcard
	re            *regexp.Regexp
}

// ParseGit reads patterns, one a line. Named classes such as [[:alpha:]] are refused.
func ParseGit(patterns ...string) (*Git, error) {
	g := &Git{}
	for _, line := range strings.Split(strings.Join(patterns, "\n"), "\n") {
		r, err := parseGitLine(strings.TrimSuffix(line, "\r"))
		if err != nil {
			return nil, err
		}
		if r != nil {
			g.rules = append(g.rules, *r)
		}
	}
	return g, nil
}

// parseGitLine returns nil for a line without a pattern.
func parseGitLine(line string) (*gitRule, error) {
	if strings.HasPrefix(line, "#") {
		return nil, nil
	}
	r := &gitRule{}
	pattern := trimBlanks(line)
	pattern, r.keep = strings.CutPrefix(pattern, "!")
	pattern, r.folders = strings.CutSuffix(pattern, "/")
	r.base = !strings.Contains(pattern, "/")
	pattern = strings.TrimPrefix(pattern, "/")
	if pattern == "" {
		return nil, nil
	}
	pattern, err := plainPattern(pattern)
	if err != nil {
		return nil, fmt.Errorf("pattern %q: %w", line, err)
	}
	if !strings.ContainsAny(pattern, `*?[\`) {
		r.literal = pattern
		return r, nil
	}
	r.re, err = regexp.Compile(expression(pattern))
	return r, err
}

// trimBlanks cuts blanks at the end, except one behind a backslash.
func trimBlanks(line string) string {
	for strings.HasSuffix(line, " ") && !strings.HasSuffix(line, `\ `) {
		line = line[:len(line)-1]
	}
	return line
}

// plainPattern writes a gitignore pattern as one that expression takes: [! as
// [^, and ** as * where it is not a whole element.
func plainPattern(pattern string) (string, error) {
	if strings.Contains(pattern, "[:") {
		return "", fmt.Errorf("named classes are not supported")
	}
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\' && i+1 < len(pattern):
			b.WriteString(pattern[i : i+2])
			i++
		case c == '*':
			n := len(pattern[i:]) - len(strings.TrimLeft(pattern[i:], "*"))
			b.WriteString(stars(pattern, i, n))
			i += n - 1
		case c == '[' && strings.HasPrefix(pattern[i+1:], "!"):
			b.WriteString("[^")
			i++
		default:
			b.WriteByte(c)
		}
	}
	if _, err := path.Match(b.String(), ""); err != nil {
		return "", fmt.Errorf("brackets or a backslash are not closed")
	}
	return b.String(), nil
}

// stars are the n stars at i as * or **.
func stars(pattern string, i, n int) string {
	begins := i == 0 || pattern[i-1] == '/'
	ends := i+n == len(pattern) || pattern[i+n] == '/'
	if n > 1 && begins && ends {
		return "**"
	}
	return "*"
}

// Match reports whether a file or folder is left out by itself: the last
// pattern that matches decides. Whoever walks a tree does not enter a folder
// that is left out. The name is relative and separated by slashes.
func (g *Git) Match(name string, folder bool) bool {
	if g == nil {
		return false
	}
	for i := len(g.rules) - 1; i >= 0; i-- {
		if g.rules[i].matches(name, folder) {
			return !g.rules[i].keep
		}
	}
	return false
}

func (r *gitRule) matches(name string, folder bool) bool {
	if r.folders && !folder {
		return false
	}
	if r.base {
		name = name[strings.LastIndexByte(name, '/')+1:]
	}
	if r.re == nil {
		return name == r.literal
	}
	return r.re.MatchString(name)
}
