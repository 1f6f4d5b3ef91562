//go:build linux || darwin

package guest

import (
	"path"
	"strings"
)

// mappedFolders are the paths that belong to a sandbox of the process tier.
var mappedFolders = []string{home, "/tmp"}

// mapPath puts one of the sandbox's own folders below root; other paths stay
// the host's, and those that are there already.
func mapPath(p, root string) string {
	clean := path.Clean(p)
	if within(clean, root) {
		return p
	}
	for _, own := range mappedFolders {
		if within(clean, own) {
			return root + clean
		}
	}
	return p
}

func within(p, folder string) bool { return p == folder || strings.HasPrefix(p, folder+"/") }

// mapWords does the same in running text, where the path stands as a whole word:
// nothing that could belong to a longer path comes before or after it. What is
// below root already stays, for commands print such paths and callers send them back.
func mapWords(text, root string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		word := ""
		if text[i] == '/' && (i == 0 || startsAfter(text[i-1])) {
			word = ownFolderAt(text[i:], root)
		}
		switch {
		case word == "":
			b.WriteByte(text[i])
			i++
			continue
		case word != root:
			b.WriteString(root)
		}
		b.WriteString(word)
		i += len(word)
	}
	return b.String()
}

func ownFolderAt(text, root string) string {
	for _, word := range append([]string{root}, mappedFolders...) {
		if strings.HasPrefix(text, word) && (len(text) == len(word) || !isWord(text[len(word)])) {
			return word
		}
	}
	return ""
}

// startsAfter: an absolute path can begin after c. After these it goes on: $HOME/tmp, ${x}/tmp, $(pwd)/tmp, ~/tmp, */tmp.
func startsAfter(c byte) bool { return !isWord(c) && !strings.ContainsRune("/$})]*?~", rune(c)) }

func isWord(c byte) bool {
	return c == '_' || c == '-' || c == '.' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= 0x80
}
