package dockerfile

import (
	"strings"
)

// heredoc is one <<NAME of a command and the text it stands for.
type heredoc struct {
	name   string
	quoted bool // the shell substitutes nothing in it
	tabs   bool // <<-: leading tabs are dropped
	text   string
	start  int // where the whole redirection stands in the command
	end    int
}

// findHeredocs finds the here-documents that a command line opens. As in
// Docker they begin a word, and nothing stands between << and the delimiter.
func findHeredocs(text string) []heredoc {
	var found []heredoc
	var quote byte
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && quote != '\'':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case strings.HasPrefix(text[i:], "<<"):
			if h, ok := readHeredoc(text, i); ok {
				found = append(found, h)
				i = h.end - 1
			} else {
				i++
			}
		}
	}
	return found
}

func readHeredoc(text string, at int) (heredoc, bool) {
	h := heredoc{start: at, end: at + 2}
	for h.start > 0 && text[h.start-1] >= '0' && text[h.start-1] <= '9' {
		h.start--
	}
	if h.start > 0 && !strings.ContainsRune(" \t;&|(", rune(text[h.start-1])) {
		return h, false
	}
	if strings.HasPrefix(text[h.end:], "-") {
		h.tabs = true
		h.end++
	}
	if h.end == len(text) || !beginsDelimiter(text[h.end]) {
		return h, false
	}
	return h, h.delimiter(text)
}

// A digit does not begin one: that is a shift in an arithmetic expression.
func beginsDelimiter(c byte) bool {
	return c == '_' || c == '"' || c == '\'' || c == '\\' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// delimiter reads the word after << with its quotes removed.
func (h *heredoc) delimiter(text string) bool {
	var name strings.Builder
	var quote byte
	for ; h.end < len(text); h.end++ {
		c := text[h.end]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote, h.quoted = c, true
		case quote == 0 && c == '\\':
			h.quoted = true
		case quote == 0 && strings.ContainsRune(" \t;&|<>()", rune(c)):
			h.name = name.String()
			return h.name != ""
		default:
			name.WriteByte(c)
		}
	}
	h.name = name.String()
	return quote == 0 && h.name != ""
}

// readHeredocs reads the texts that belong to a command line.
func (l *lines) readHeredocs(number int, kind Kind, text string) ([]heredoc, error) {
	if kind != KindRun && kind != KindCopy && kind != KindAdd {
		return nil, nil
	}
	docs := findHeredocs(text)
	for i := range docs {
		body, ok := l.body(docs[i])
		if !ok {
			return nil, &Error{number, string(kind), "the here-document is not closed: a line with only " + docs[i].name + " is missing"}
		}
		docs[i].text = body
	}
	return docs, nil
}
