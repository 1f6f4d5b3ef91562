package sandflare_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go"
)

func TestLinksOfABuildContext(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(top, "secret"), []byte("secret"), 0o600))
	for target, want := range map[string]string{
		"file": "", "sub/../file": "", "sub/inner": "", "sub/back": "",
		"../secret": "not in the context", filepath.Join(top, "secret"): "not in the context", "sub/out": "not in the context",
		"sub": "no regular file", "none": "no such file", "link": "not in the context",
	} {
		t.Run(target, func(t *testing.T) {
			t.Parallel()
			dir, err := os.MkdirTemp(top, "")
			require.NoError(t, err)
			require.NoError(t, os.MkdirAll(filepath.Join(dir, "sub"), 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), []byte("content"), 0o644))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "sub", "inner"), []byte("content"), 0o644))
			require.NoError(t, os.Symlink("../file", filepath.Join(dir, "sub", "back")))
			if want == "not in the context" {
				require.NoError(t, os.Symlink("../../secret", filepath.Join(dir, "sub", "out")))
			}
			require.NoError(t, os.Symlink(target, filepath.Join(dir, "link")))
			client, mock := mocked(t)
			mock.RegisterResponder("POST", testURL+"/templates/build", answers(200, templateJSON))
			_, err = client.BuildTemplate(t.Context(), &sandflare.BuildTemplateOptions{Name: "t", Dockerfile: "FROM x", Context: os.DirFS(dir)})
			if want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, sandflare.ErrInvalidArgument)
			assert.ErrorContains(t, err, want)
			assert.Zero(t, mock.GetTotalCallCount())
		})
	}
}

// What a call brings is seen in Info, and a limit is kept whatever the service does.
func TestAnswersAreUsed(t *testing.T) {
	t.Parallel()
	client, mock := mocked(t)
	mock.RegisterResponder("POST", testURL+"/sandboxes/sb-1/timeout", answers(200, `{"new_deadline":"2026-01-02T03:04:05Z"}`))
	sb := client.Sandbox("sb-1")
	require.NoError(t, sb.KeepAlive(t.Context(), 3600e9))
	assert.Equal(t, "2026-01-02T03:04:05Z", sb.Info().ExpiresAt.Format("2006-01-02T15:04:05Z07:00"))

	mock.RegisterResponder("GET", `=~/memory`, answers(200, `{"memories":[{"id":"1"},{"id":"2"},{"id":"3"}]}`))
	found, err := client.UserMemory().Search(t.Context(), "q", &sandflare.SearchMemoryOptions{Limit: 2})
	require.NoError(t, err)
	assert.Len(t, found, 2)
	_, err = client.UserMemory().Add(t.Context(), "text", &sandflare.AddMemoryOptions{Metadata: map[string]any{"x": make(chan int)}})
	require.ErrorIs(t, err, sandflare.ErrInvalidArgument)
}
