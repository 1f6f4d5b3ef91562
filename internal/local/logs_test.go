package local

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestLogText(t *testing.T) {
	t.Parallel()
	for cmd, want := range map[string]string{
		"export A='x' || exit\nid": "export A='x' || exit\nid", // no wrapper: a user's own
		"bash -lc 'echo a'":        "echo a",
		`bash -lc 'export A='"'"'x y'"'"' || exit` + "\nexport B_2='\"'\"'it'\"'\"'\"'\"'\"'\"'\"'\"'s'\"'\"' || exit\nid'": "export A=[hidden]\nexport B_2=[hidden]\nid",
	} {
		assert.Equal(t, want, logText(cmd), cmd)
	}
	for script, want := range map[string]string{
		"cd -- '/a b' || exit\nid":                       "cd -- '/a b' || exit\nid",
		"cd -- '/a' || exit\nexport A='x' || exit\nid":   "cd -- '/a' || exit\nexport A=[hidden]\nid",
		"export A='' || exit\nexport A='b' || exit\n":    "export A=[hidden]\nexport A=[hidden]\n",
		"export A='line\nline' || exit\nid":              "export A=[hidden]\nid",
		"export A='a'\"'\"' || exit\n'\"'\"'' || exit\n": "export A=[hidden]\n",
		"export A='x'; id":                               "export A='x'; id",
		"cd '/a' && export A='x'; id":                    "cd '/a' && export A='x'; id",
		"export A='x || exit\nid":                        "export A='x || exit\nid",
		"id\nexport A='x' || exit\n":                     "id\nexport A='x' || exit\n",
		"A='x' || exit\n":                                "A='x' || exit\n",
		"":                                               "",
	} {
		assert.Equal(t, want, hideValues(script))
	}
}
