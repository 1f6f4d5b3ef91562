package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// width is the bar's, in characters.
const width = 30

// Control sequences that every terminal of today knows.
const (
	lineStart = "\r\x1b[K" // back to the line's beginning, and clear it
	dim       = "\x1b[2m"
	plain     = "\x1b[0m"
)

// progress writes what a command says about how far it is.
type progress struct {
	out      *os.File
	terminal bool
	bar      string // what stands on the terminal's last line
}

func newProgress(out *os.File) *progress {
	info, err := out.Stat()
	return &progress{out: out, terminal: err == nil && info.Mode()&os.ModeCharDevice != 0}
}

// line takes "done/total what" as progress and anything else as a note.
func (p *progress) line(text string) {
	done, total, what, ok := parse(text)
	switch {
	case !ok:
		p.note(text)
	case !p.terminal:
		fmt.Fprintf(p.out, "%3d%% %s\n", 100*done/total, what)
	default:
		filled := width * done / total
		p.bar = fmt.Sprintf("[%s%s] %3d%% %s%s%s", strings.Repeat("#", filled), strings.Repeat(".", width-filled),
			100*done/total, dim, what, plain)
		fmt.Fprint(p.out, lineStart+p.bar)
	}
}

// note writes a line that stays, above the bar.
func (p *progress) note(text string) {
	if p.bar != "" {
		fmt.Fprint(p.out, lineStart)
	}
	fmt.Fprintln(p.out, text)
	fmt.Fprint(p.out, p.bar)
}

// end leaves the bar as it is and goes below it.
func (p *progress) end() {
	if p.bar != "" {
		fmt.Fprintln(p.out)
	}
}

func parse(text string) (done, total int, what string, ok bool) {
	counts, what, _ := strings.Cut(text, " ")
	first, second, _ := strings.Cut(counts, "/")
	done, err := strconv.Atoi(first)
	if err != nil {
		return 0, 0, "", false
	}
	total, err = strconv.Atoi(second)
	return done, total, what, err == nil && total > 0 && done >= 0 && done <= total
}
