//go:build linux || darwin

package guest

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestMapWords(t *testing.T) {
	t.Parallel()
	const root = "/tmp/sandflare-1/up/root"
	for text, want := range map[string]string{
		"":                              "",
		"/tmp":                          root + "/tmp",
		"ls /tmp /home/user":            "ls " + root + "/tmp " + root + "/home/user",
		"ls /tmp/x;cat '/home/user/y'":  "ls " + root + "/tmp/x;cat '" + root + "/home/user/y'",
		"A=/tmp:/home/user/bin":         "A=" + root + "/tmp:" + root + "/home/user/bin",
		">/tmp/x 2>/tmp/y </tmp/z":      ">" + root + "/tmp/x 2>" + root + "/tmp/y <" + root + "/tmp/z",
		"(/tmp/a);`/tmp/b`":             "(" + root + "/tmp/a);`" + root + "/tmp/b`",
		"\"/tmp\"\n/tmp":                "\"" + root + "/tmp\"\n" + root + "/tmp",
		"/var/tmp /tmpfoo /tmp-x /tmp_": "/var/tmp /tmpfoo /tmp-x /tmp_",
		"/home/username /home/user.old": "/home/username /home/user.old",
		"$X/tmp ${X}/tmp $(pwd)/tmp":    "$X/tmp ${X}/tmp $(pwd)/tmp",
		"~/tmp a/tmp ./tmp ../tmp":      "~/tmp a/tmp ./tmp ../tmp",
		"http://h/tmp //tmp /tmpé":      "http://h/tmp //tmp /tmpé",
		root + "/home/user/x /tmp":      root + "/home/user/x " + root + "/tmp",
		root + "x":                      root + "/tmp/sandflare-1/up/rootx",
	} {
		assert.Equal(t, want, mapWords(text, root), text)
		assert.Equal(t, want, mapWords(want, root), "again: %s", text)
	}
}

func TestMapPath(t *testing.T) {
	t.Parallel()
	const root = "/tmp/sandflare-1/up/root"
	for path, want := range map[string]string{
		"/tmp": root + "/tmp", "/tmp/": root + "/tmp", "/home/user/a/../b": root + "/home/user/b", "/home/../tmp/x": root + "/tmp/x",
		"/tmp/../etc": "/tmp/../etc", "/etc/passwd": "/etc/passwd", "/home/username": "/home/username", root + "/tmp/x": root + "/tmp/x",
	} {
		assert.Equal(t, want, mapPath(path, root), path)
	}
}

func TestMergeEnv(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []string{"A=3", "B=", "C=x=y"}, mergeEnv([]string{"A=1", "B=2"}, []string{"A=3", "bad", "=x", "N=\x00"}, []string{"B=", "C=x=y"}))
}
