package dockerfile

import (
	"errors"
	"fmt"
	"strings"
)

const (
	maxExpanded = 1 << 20 // ENV A=$A$A, forty times, would fill the memory
	maxNesting  = 100
)

// Expand substitutes variables in word as Docker does and takes quotes and
// backslashes away: $V, ${V}, ${V:-word}, ${V-word}, ${V:+word}, ${V+word},
// ${V:?message} and ${V?message}. Nothing is substituted in single quotes and
// behind a backslash. A variable that lookup does not know is empty.
func Expand(word string, lookup func(string) (string, bool)) (string, error) {
	return (&expander{lookup: lookup, escape: '\\'}).once(word)
}

// expander substitutes in the words of one instruction and keeps the first error.
type expander struct {
	lookup func(string) (string, bool)
	escape byte
	text   bool // a here-document: quotes are plain characters
	err    error
}

func (e *expander) word(word string) string {
	out, err := e.once(word)
	if e.err == nil {
		e.err = err
	}
	return out
}

func (e *expander) words(words []string) []string {
	out := make([]string, 0, len(words))
	for _, w := range words {
		out = append(out, e.word(w))
	}
	return out
}

func (e *expander) pairs(pairs []Pair) []Pair {
	out := make([]Pair, 0, len(pairs))
	for _, p := range pairs {
		out = append(out, Pair{e.word(p.Name), e.word(p.Value)})
	}
	return out
}

func (e *expander) once(word string) (string, error) {
	if !strings.ContainsAny(word, `$'"`+string(e.escape)) {
		return word, nil
	}
	x := &expansion{expander: e, in: word}
	out, err := x.until(0)
	if err != nil {
		return "", err
	}
	return out, nil
}

// expansion is a position in one word.
type expansion struct {
	*expander
	in    string
	pos   int
	depth int
	added int
}

// until reads up to the byte stop, which stays unread, or to the end for 0.
func (x *expansion) until(stop byte) (string, error) {
	var b strings.Builder
	for x.pos < len(x.in) && (stop == 0 || x.in[x.pos] != stop) {
		part, err := x.part()
		if err != nil {
			return "", err
		}
		b.WriteString(part)
	}
	return b.String(), nil
}

// part reads a character, a quoted text or a variable.
func (x *expansion) part() (string, error) {
	c := x.in[x.pos]
	switch {
	case c == '$':
		return x.variable()
	case c == x.escape && x.text:
		return x.escaped("$" + string(x.escape)), nil
	case c == x.escape:
		return x.escaped(""), nil
	case c == '\'' && !x.text:
		return x.single()
	case c == '"' && !x.text:
		return x.double()
	}
	x.pos++
	return x.in[x.pos-1 : x.pos], nil
}

// escaped reads the escape character and the one behind it. Where only some
// may be escaped, it stays in front of the others.
func (x *expansion) escaped(only string) string {
	x.pos++
	if x.pos == len(x.in) {
		if only != "" {
			return string(x.escape)
		}
		return ""
	}
	c := x.in[x.pos : x.pos+1]
	x.pos++
	if only != "" && !strings.Contains(only, c) {
		return string(x.escape) + c
	}
	return c
}

func (x *expansion) single() (string, error) {
	n := strings.IndexByte(x.in[x.pos+1:], '\'')
	if n < 0 {
		return "", errors.New("a single quote is not closed")
	}
	text := x.in[x.pos+1 : x.pos+1+n]
	x.pos += n + 2
	return text, nil
}

func (x *expansion) double() (string, error) {
	var b strings.Builder
	for x.pos++; x.pos < len(x.in) && x.in[x.pos] != '"'; {
		part, err := x.quotedPart()
		if err != nil {
			return "", err
		}
		b.WriteString(part)
	}
	if x.pos == len(x.in) {
		return "", errors.New("a double quote is not closed")
	}
	x.pos++
	return b.String(), nil
}

func (x *expansion) quotedPart() (string, error) {
	switch c := x.in[x.pos]; c {
	case '$':
		return x.variable()
	case x.escape:
		return x.escaped(`"$` + string(x.escape)), nil
	default:
		x.pos++
		return x.in[x.pos-1 : x.pos], nil
	}
}

// variable reads what begins with a dollar sign.
func (x *expansion) variable() (string, error) {
	x.pos++
	if x.pos < len(x.in) && x.in[x.pos] == '{' {
		return x.braced()
	}
	name := x.name()
	if name == "" {
		return "$", nil
	}
	value, _, err := x.value(name)
	return value, err
}

// value looks a variable up and bounds what they add to a word.
func (x *expansion) value(name string) (string, bool, error) {
	value, set := x.lookup(name)
	if x.added += len(value); x.added > maxExpanded {
		return "", false, errors.New("a value grows above 1 MiB")
	}
	return value, set, nil
}

// name reads a variable's name, or one of the shell's own, which are unset here.
func (x *expansion) name() string {
	start := x.pos
	if start < len(x.in) && strings.IndexByte("@*#?-$!", x.in[start]) >= 0 {
		x.pos++
		return x.in[start:x.pos]
	}
	digits := start < len(x.in) && isDigit(x.in[start])
	for x.pos < len(x.in) && (isDigit(x.in[x.pos]) || !digits && isLetter(x.in[x.pos])) {
		x.pos++
	}
	return x.in[start:x.pos]
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' }

func (x *expansion) braced() (string, error) {
	x.pos++
	name := x.name()
	if name == "" || x.pos == len(x.in) {
		return "", fmt.Errorf("%s is not a variable: write ${NAME}, or \\$ for a dollar sign", quote(x.in))
	}
	value, set, err := x.value(name)
	if err != nil {
		return "", err
	}
	if x.in[x.pos] == '}' {
		x.pos++
		return value, nil
	}
	if x.in[x.pos] == ':' {
		set = set && value != ""
		x.pos++
	}
	return x.modified(name, value, set)
}

// modified reads the modifier and its word.
func (x *expansion) modified(name, value string, set bool) (string, error) {
	if x.pos == len(x.in) || strings.IndexByte("-+?", x.in[x.pos]) < 0 {
		return "", fmt.Errorf("${%s…}: only :- :+ :? (and - + ?) may follow the name", name)
	}
	modifier := x.in[x.pos]
	x.pos++
	if x.depth++; x.depth > maxNesting {
		return "", errors.New("variables are nested too deep")
	}
	word, err := x.until('}')
	x.depth--
	switch {
	case err != nil:
		return "", err
	case x.pos == len(x.in):
		return "", fmt.Errorf("${%s…: the closing } is missing", name)
	}
	x.pos++
	return choose(modifier, name, value, word, set)
}

func choose(modifier byte, name, value, word string, set bool) (string, error) {
	switch {
	case modifier == '+' && set:
		return word, nil
	case modifier == '+':
		return "", nil
	case set:
		return value, nil
	case modifier == '-':
		return word, nil
	case word == "":
		word = "is not set"
	}
	return "", fmt.Errorf("%s: %s", name, word)
}

// quote shows a piece of the Dockerfile in an error, shortened.
func quote(s string) string {
	if len(s) > 80 {
		s = s[:80] + "…"
	}
	return fmt.Sprintf("%q", s)
}
