package local

import (
	"bytes"
	"unicode/utf8"
)

// maxLine is the longest line kept whole; what is longer is cut, so that an
// endless line needs bounded memory.
const maxLine = 12 << 20

// lineSplitter cuts what a command writes into lines, without their newline.
// A cut is never inside a rune, and end gives a last line that has no newline.
type lineSplitter struct{ pending []byte }

// feed returns the lines that data completes. They are copies.
func (s *lineSplitter) feed(data []byte) (lines []string) {
	if n := bytes.Count(data, []byte{'\n'}); n > 0 {
		lines = make([]string, 0, n)
	}
	for {
		line, rest, found := bytes.Cut(data, []byte{'\n'})
		if !found {
			break
		}
		if len(s.pending) > 0 {
			line = append(s.pending, line...)
		}
		lines = append(lines, string(line))
		s.pending, data = s.pending[:0], rest
	}
	s.pending = append(s.pending, data...)
	for len(s.pending) > maxLine {
		cut := runeStart(s.pending, maxLine)
		lines = append(lines, string(s.pending[:cut]))
		s.pending = append(s.pending[:0], s.pending[cut:]...)
	}
	return lines
}

func (s *lineSplitter) end() (lines []string) {
	if len(s.pending) > 0 {
		lines = []string{string(s.pending)}
	}
	s.pending = nil
	return lines
}

// runeStart is the last position up to i at which a rune begins; i itself when
// the bytes around it are no UTF-8.
func runeStart(data []byte, i int) int {
	for j := i; j > i-utf8.UTFMax; j-- {
		if utf8.RuneStart(data[j]) {
			return j
		}
	}
	return i
}
