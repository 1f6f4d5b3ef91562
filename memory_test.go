package sandflare_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/sandflaretest"
)

// remembering is what both memories do.
type remembering interface {
	Add(ctx context.Context, text string, opts *sandflare.AddMemoryOptions) ([]sandflare.MemoryResult, error)
	AddBatch(ctx context.Context, facts []string, opts *sandflare.AddMemoryOptions) ([]sandflare.MemoryResult, error)
	Search(ctx context.Context, query string, opts *sandflare.SearchMemoryOptions) ([]sandflare.Memory, error)
	List(ctx context.Context) ([]sandflare.Memory, error)
	Delete(ctx context.Context, id string) error
	DeleteAll(ctx context.Context) error
	Feedback(ctx context.Context, id string, useful bool) error
}

// Both memories find, rate and forget what they were told, each for itself.
func TestMemory(t *testing.T) {
	t.Parallel()
	client := sandflaretest.Start(t).Client()
	sb, err := client.CreateSandbox(t.Context(), nil)
	require.NoError(t, err)
	for name, m := range map[string]remembering{"sandbox": sb.Memory(), "user": client.UserMemory()} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			_, err := m.Add(ctx, "the database is PostgreSQL", nil)
			require.NoError(t, err)
			made, err := m.AddBatch(ctx, []string{"tests run with make check", "the cache is Redis"}, nil)
			require.NoError(t, err)
			require.Len(t, made, 2)
			assert.Len(t, texts(m.List(ctx)), 3)

			found, err := m.Search(ctx, "which cache?", &sandflare.SearchMemoryOptions{Limit: 1})
			require.NoError(t, err)
			require.Len(t, found, 1)
			assert.Equal(t, made[1].ID, found[0].ID)
			require.NoError(t, m.Feedback(ctx, found[0].ID, true))
			again, err := m.Search(ctx, "which cache?", &sandflare.SearchMemoryOptions{Limit: 1})
			require.NoError(t, err)
			assert.Greater(t, again[0].Score, found[0].Score, "what was useful counts for more")

			require.NoError(t, m.Delete(ctx, made[1].ID))
			assert.ElementsMatch(t, []string{"the database is PostgreSQL", "tests run with make check"}, texts(m.List(ctx)))
			require.NoError(t, m.DeleteAll(ctx))
			assert.Empty(t, texts(m.List(ctx)))
		})
	}
}

func texts(list []sandflare.Memory, err error) (texts []string) {
	if err != nil {
		return []string{err.Error()}
	}
	for _, m := range list {
		texts = append(texts, m.Text)
	}
	return texts
}
