package ignore

import (
	"fmt"
	"path"
	"regexp"
	"strings"
	"unicode/utf8"
)

// expression turns a pattern that path.Match accepts, with ** besides, into a
// regular expression for the whole path.
func expression(pattern string) string {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	for pattern != "" {
		pattern = translate(&b, pattern)
	}
	b.WriteString(`\z`)
	return b.String()
}

// translate writes the first token of pattern and returns the rest.
func translate(b *strings.Builder, pattern string) string {
	switch {
	case strings.HasPrefix(pattern, "**/"):
		b.WriteString(`(?:.*/)?`)
		return pattern[3:]
	case strings.HasPrefix(pattern, "**"):
		b.WriteString(`.*`)
		return pattern[2:]
	case pattern[0] == '*':
		b.WriteString(`[^/]*`)
		return pattern[1:]
	case pattern[0] == '?':
		b.WriteString(`[^/]`)
		return pattern[1:]
	case pattern[0] == '[':
		return class(b, pattern[1:])
	}
	r, rest := char(pattern)
	b.WriteString(regexp.QuoteMeta(string(r)))
	return rest
}

// class writes a bracket expression; p starts behind the opening bracket.
func class(b *strings.Builder, p string) string {
	b.WriteByte('[')
	p, negated := strings.CutPrefix(p, "^")
	if negated {
		b.WriteString(`^/`)
	}
	empty := !negated
	for first := true; p != "" && (first || p[0] != ']'); first = false {
		var low, high rune
		low, p = char(p)
		high = low
		if strings.HasPrefix(p, "-") {
			high, p = char(p[1:])
		}
		if low <= high { // a reversed range matches nothing
			fmt.Fprintf(b, `\x{%x}-\x{%x}`, low, high)
			empty = false
		}
	}
	if empty {
		b.WriteString(`^\x{0}-\x{10ffff}`)
	}
	b.WriteByte(']')
	return strings.TrimPrefix(p, "]")
}

// char reads one character, behind a backslash where there is one.
func char(p string) (rune, string) {
	p = strings.TrimPrefix(p, `\`)
	r, n := utf8.DecodeRuneInString(p)
	return r, p[n:]
}

// literalFolders returns the leading part of pattern without wildcards, whole
// path elements only.
func literalFolders(pattern string) string {
	i := strings.IndexAny(pattern, `*?[\`)
	if i < 0 {
		return pattern
	}
	dir := path.Dir(pattern[:i] + "x")
	if dir == "." {
		return ""
	}
	return dir
}
