package local

import "strings"

// shellArgs is how the text of a command is run: through the shell, except for
// `bash -lc 'one word'`, which clients wrap around everything: it is started
// directly, without a shell around the shell.
func shellArgs(shell, cmd string) []string {
	if script, ok := loginScript(cmd); ok {
		return []string{shell, "-lc", script}
	}
	return []string{shell, "-c", cmd}
}

// loginScript takes the script out of a command of exactly the shape
// bash -lc '…', in which a quote is written '\” or '"'"'.
func loginScript(cmd string) (script string, ok bool) {
	word, ok := strings.CutPrefix(cmd, "bash -lc '")
	if !ok {
		return "", false
	}
	var b strings.Builder
	for {
		part, rest, found := strings.Cut(word, "'")
		if !found {
			return "", false
		}
		b.WriteString(part)
		if rest == "" {
			return b.String(), true
		}
		if word, ok = cutQuote(rest); !ok {
			return "", false
		}
		b.WriteByte('\'')
	}
}

// cutQuote drops what writes one quote between two quoted parts, up to and
// including the quote that begins the next part.
func cutQuote(text string) (rest string, ok bool) {
	for _, quote := range []string{`\''`, `"'"'`} {
		if rest, ok := strings.CutPrefix(text, quote); ok {
			return rest, true
		}
	}
	return "", false
}

// logText is a command as the log shows it.
func logText(cmd string) string {
	if script, ok := loginScript(cmd); ok {
		return script
	}
	return cmd
}
