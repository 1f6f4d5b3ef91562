package local

import (
	"strings"
	"sync"
)

const (
	maxLogLines = 10_000
	maxLogBytes = 4 << 20
	maxLogLine  = 16 << 10 // of one entry, cut behind
)

// logRing keeps the last commands of a sandbox and what they printed.
type logRing struct {
	mu      sync.Mutex
	lines   []string
	first   int // number of lines[0], counted from the sandbox's beginning
	bytes   int
	changed chan struct{} // closed by the next append
}

func newLogRing() *logRing { return &logRing{changed: make(chan struct{})} }

// command logs a command before its output.
func (l *logRing) command(text string) { l.append([]string{"$ " + text}) }

// logText is a command as the log shows it: out of the shell that clients put
// around it, and without the values of the environment, which may be secrets.
func logText(cmd string) string {
	script, ok := loginScript(cmd)
	if !ok {
		return cmd
	}
	return hideValues(script)
}

// hideValues hides them where the SDK puts them: in lines before the command,
// behind the one that changes the folder.
func hideValues(script string) string {
	rest, _ := cutStep(script, "cd -- ")
	shown := script[:len(script)-len(rest)]
	for {
		export, _, _ := strings.Cut(rest, "=")
		next, ok := cutStep(rest, export+"=")
		if !ok || !strings.HasPrefix(export, "export ") {
			return shown + rest
		}
		shown += export + "=[hidden]\n"
		rest = next
	}
}

// cutStep drops a line of the form: start '…' || exit.
func cutStep(script, start string) (rest string, ok bool) {
	if rest, ok = strings.CutPrefix(script, start); ok {
		_, rest, ok = cutQuoted(rest)
	}
	if ok {
		rest, ok = strings.CutPrefix(rest, " || exit\n")
	}
	if !ok {
		return script, false
	}
	return rest, true
}

// text logs what a command printed: of much, the end, as that alone would stay.
func (l *logRing) text(printed string) {
	l.append(splitLines(printed[max(0, len(printed)-maxLogBytes/2):]))
}

func (l *logRing) append(lines []string) {
	if len(lines) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if more := len(lines) - maxLogLines; more > 0 { // nobody will see these, nor what was before
		l.first, l.bytes = l.first+len(l.lines)+more, 0
		l.lines, lines = nil, lines[more:]
	}
	for _, line := range lines {
		line = strings.ToValidUTF8(line[:min(len(line), maxLogLine)], "\uFFFD")
		l.lines = append(l.lines, line)
		l.bytes += len(line)
	}
	for len(l.lines) > maxLogLines || l.bytes > maxLogBytes {
		l.bytes -= len(l.lines[0])
		l.lines = l.lines[1:]
		l.first++
	}
	close(l.changed)
	l.changed = make(chan struct{})
}

// since returns the lines from number n on that are still kept, the number of
// the line after them, and what is closed when there are more.
func (l *logRing) since(n int) (lines []string, next int, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	skip := min(max(0, n-l.first), len(l.lines))
	return append([]string{}, l.lines[skip:]...), l.first + len(l.lines), l.changed
}
