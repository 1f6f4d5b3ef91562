package dockerfile

import "strings"

// Command is a command in one of three forms: Shell is a line for the shell,
// Exec the words of the JSON form, Script a here-document that begins with #!.
type Command struct {
	Shell  string
	Exec   []string
	Script string
}

// defaultShell runs shell forms unless SHELL says otherwise.
var defaultShell = []string{"/bin/sh", "-c"}

// Argv is what to execute; shell is [Scope.Shell], or nil for /bin/sh -c.
func (c Command) Argv(shell []string) []string {
	if len(shell) == 0 {
		shell = defaultShell
	}
	switch {
	case c.Script != "":
		return append(append([]string{}, defaultShell...), runScript, c.Script)
	case c.Shell != "":
		return append(append([]string{}, shell...), c.Shell)
	}
	return append([]string{}, c.Exec...)
}

// runScript runs its $0 as a program of its own, whatever its first line names.
const runScript = `f=$(mktemp) && printf %s "$0" >"$f" && chmod 700 "$f" || exit
trap 'rm -f "$f"' EXIT
"$f"`

// shellCommand puts the here-documents of a command line behind it again. A
// line that is nothing but one is run as a script.
func shellCommand(text string, docs []heredoc) Command {
	if len(docs) == 0 {
		return Command{Shell: text}
	}
	if h := docs[0]; len(docs) == 1 && h.start == 0 && h.end == len(text) {
		if strings.HasPrefix(h.text, "#!") {
			return Command{Script: h.text}
		}
		return Command{Shell: orNothing(h.text)}
	}
	var b strings.Builder
	b.WriteString(text + "\n")
	for _, h := range docs {
		b.WriteString(h.text + h.name + "\n")
	}
	return Command{Shell: b.String()}
}

// orNothing keeps an empty script from being no command at all.
func orNothing(script string) string {
	if script == "" {
		return ":"
	}
	return script
}
