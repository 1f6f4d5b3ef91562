package sse

import (
	"encoding/binary"
	"encoding/json"
	"unicode/utf8"
)

// DecodeLine returns the text of {"line": "text"}. It is false for anything
// else: a decoder that accepts more takes over from there.
func DecodeLine(data []byte) (string, bool) {
	if line, ok := plainLine(data); ok {
		return string(line), true
	}
	var object struct {
		Line *string `json:"line"`
	}
	if json.Unmarshal(data, &object) != nil || object.Line == nil {
		return "", false
	}
	return *object.Line, true
}

// plainLine knows the one shape that nearly every event has, without escapes.
// encoding/json takes nine times as long for it.
func plainLine(data []byte) ([]byte, bool) {
	const head, tail = `{"line":`, `"}`
	if len(data) < len(head+`"`+tail) || string(data[:len(head)]) != head {
		return nil, false
	}
	start, end := len(head), len(data)-len(tail)
	if data[start] == ' ' {
		start++
	}
	if start >= end || data[start] != '"' || string(data[end:]) != tail {
		return nil, false
	}
	line := data[start+1 : end]
	marked, top := marks(line)
	return line, !marked && (!top || utf8.Valid(line))
}

const (
	ones   = 0x0101010101010101 // a byte in each byte of a word
	tops   = 0x80 * ones
	blanks = ' ' * ones
)

// marks tells whether a text has bytes that JSON writes otherwise (control
// bytes, quotes, backslashes), and whether it has bytes beyond ASCII. It looks at eight bytes at a time.
func marks(text []byte) (marked, top bool) {
	var found, all uint64
	rest := text
	for len(rest) >= 8 {
		word := binary.LittleEndian.Uint64(rest)
		found |= marksOf(word)
		all |= word
		rest = rest[8:]
	}
	last := lastWord(text)
	return found|marksOf(last) != 0, (all|last)&tops != 0
}

// lastWord is the end of a text, filled up with blanks.
func lastWord(text []byte) uint64 {
	if len(text) >= 8 {
		return binary.LittleEndian.Uint64(text[len(text)-8:])
	}
	word := uint64(blanks)
	for _, c := range text {
		word = word<<8 | uint64(c)
	}
	return word
}

// marksOf is not zero when one of a word's eight bytes is below a blank, a
// quote or a backslash: taking one from a zero byte, or a blank from a smaller one, sets its top bit.
func marksOf(word uint64) uint64 {
	quote, slash := word^('"'*ones), word^('\\'*ones)
	return ((word-blanks)&^word | (quote-ones)&^quote | (slash-ones)&^slash) & tops
}
