package local

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// What clients wrap around commands is started without a shell around the
// shell, by whatever shell there is.
func TestShellArgs(t *testing.T) {
	t.Parallel()
	for cmd, want := range map[string][]string{
		"echo a":                      {"sh", "-c", "echo a"},
		"bash -lc 'echo a'":           {"sh", "-lc", "echo a"},
		`bash -lc 'echo '"'"'a'"'"''`: {"sh", "-lc", "echo 'a'"},
		`bash -lc 'echo '\''a'\'''`:   {"sh", "-lc", "echo 'a'"},
		"bash -lc 'echo a' b":         {"sh", "-c", "bash -lc 'echo a' b"},
		"bash -lc 'echo a'; id":       {"sh", "-c", "bash -lc 'echo a'; id"},
		"bash -lc 'echo a":            {"sh", "-c", "bash -lc 'echo a"},
		"bash -l /tmp/.x-Y_1.sh":      {"sh", "-l", "/tmp/.x-Y_1.sh"},
		"bash -l /tmp/x; id":          {"sh", "-c", "bash -l /tmp/x; id"},
		"bash -l /tmp/$x":             {"sh", "-c", "bash -l /tmp/$x"},
		"bash -l -c id":               {"sh", "-c", "bash -l -c id"},
	} {
		assert.Equal(t, want, shellArgs("sh", cmd), cmd)
	}
}
