package guest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSearchGoesToTheBottom(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	deep := "a/b/c/d/e/f/g/h/i/j"
	for path, mode := range map[string]os.FileMode{deep + "/open": 0o644, deep + "/closed": 0o640, "top": 0o600, "passed/file": 0o600, "a/through/file": 0o644} {
		require.NoError(t, os.MkdirAll(filepath.Dir(root+"/"+path), 0o755))
		require.NoError(t, os.WriteFile(root+"/"+path, nil, mode))
		require.NoError(t, os.Chmod(root+"/"+path, mode))
	}
	require.NoError(t, os.Chmod(root+"/a/through", 0o711))
	require.NoError(t, os.Symlink("top", root+"/link"))
	a := &area{path: root, skip: "/passed"}
	a.search()
	assert.Equal(t, []string{deep + "/closed", "a/through", "top"}, a.found)
}

func BenchmarkSearch(b *testing.B) {
	for _, a := range closedHere.areas {
		b.Run(a.path, func(b *testing.B) {
			for b.Loop() {
				(&area{path: a.path, skip: a.skip}).search()
			}
		})
	}
}
