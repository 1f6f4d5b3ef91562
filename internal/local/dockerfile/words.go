package dockerfile

import (
	"encoding/json"
	"errors"
	"strings"
)

// cutWord splits text at its first blank.
func cutWord(text string) (word, rest string) {
	i := strings.IndexAny(text, " \t")
	if i < 0 {
		return text, ""
	}
	return text[:i], strings.TrimLeft(text[i:], " \t")
}

// flags takes the leading --name=value words off an instruction.
func flags(text string) (names []Pair, rest string) {
	for strings.HasPrefix(text, "--") {
		word, after := cutWord(text)
		text = after
		if word == "--" {
			break
		}
		name, value, _ := strings.Cut(word[2:], "=")
		names = append(names, Pair{name, value})
	}
	return names, text
}

// splitWords splits at blanks that are neither quoted nor escaped. Quotes stay.
func splitWords(text string, escape byte) []string {
	var words []string
	var quote byte
	start := -1
	for i := 0; i < len(text); i++ {
		c := text[i]
		if quote == 0 && (c == ' ' || c == '\t') {
			if start >= 0 {
				words = append(words, text[start:i])
				start = -1
			}
			continue
		}
		if start < 0 {
			start = i
		}
		switch {
		case c == escape && quote != '\'':
			i++
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case c == quote:
			quote = 0
		}
	}
	if start >= 0 {
		words = append(words, text[start:])
	}
	return words
}

var errJSONStrings = errors.New("the JSON form takes strings only: put every word in double quotes")

// jsonWords reads the JSON form. What begins with a bracket but is no JSON
// array is no JSON form, as with Docker: RUN [ -f x ] is a shell command.
func jsonWords(text string) (words []string, ok bool, err error) {
	var all []any
	if !strings.HasPrefix(text, "[") || json.Unmarshal([]byte(text), &all) != nil {
		return nil, false, nil
	}
	for _, item := range all {
		word, isString := item.(string)
		if !isString {
			return nil, false, errJSONStrings
		}
		if strings.IndexByte(word, 0) >= 0 {
			return nil, false, errors.New("a NUL character cannot be passed to a program")
		}
		words = append(words, word)
	}
	return words, true, nil
}

// pairs reads NAME=value … and the older form NAME value, which takes the
// rest of the line.
func pairs(text string, escape byte) ([]Pair, error) {
	words := splitWords(text, escape)
	if len(words) == 0 {
		return nil, errors.New("needs NAME=value")
	}
	if !strings.Contains(words[0], "=") {
		name, value := cutWord(text)
		if value == "" {
			return nil, errors.New("needs a value: write " + name + "=value")
		}
		return []Pair{{name, value}}, nil
	}
	var out []Pair
	for _, word := range words {
		name, value, ok := strings.Cut(word, "=")
		if !ok {
			return nil, errors.New(quote(word) + " has no =: put a value with blanks in double quotes")
		}
		if name == "" {
			return nil, errors.New(quote(word) + " has no name before the =")
		}
		out = append(out, Pair{name, value})
	}
	return out, nil
}
