package local

import "strings"

// shellArgs is how the text of a command is run: through the shell, except for
// `bash -lc 'one word'` and `bash -l file`, which clients wrap around
// everything: they are started directly, without a shell around the shell, and
// by sh where there is no bash.
func shellArgs(shell, cmd string) []string {
	if script, ok := loginScript(cmd); ok {
		return []string{shell, "-lc", script}
	}
	if file, ok := strings.CutPrefix(cmd, "bash -l "); ok && isPlainWord(file) {
		return []string{shell, "-l", file}
	}
	return []string{shell, "-c", cmd}
}

// loginScript takes the script out of a command of exactly the shape bash -lc '…'.
func loginScript(cmd string) (script string, ok bool) {
	word, ok := strings.CutPrefix(cmd, "bash -lc ")
	if !ok {
		return "", false
	}
	script, rest, ok := cutQuoted(word)
	return script, ok && rest == ""
}

// isPlainWord is true for a path that no shell would read otherwise.
func isPlainWord(s string) bool {
	special := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-", r))
	}
	return strings.HasPrefix(s, "/") && !strings.ContainsFunc(s, special)
}

// cutQuoted reads a word in single quotes. A quote in it stands between two
// quoted parts, as \' or "'".
func cutQuoted(text string) (word, rest string, ok bool) {
	if text, ok = strings.CutPrefix(text, "'"); !ok {
		return "", "", false
	}
	var b strings.Builder
	for {
		part, rest, found := strings.Cut(text, "'")
		if !found {
			return "", "", false
		}
		b.WriteString(part)
		if text, ok = cutQuote(rest); !ok {
			return b.String(), rest, true
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
