package sandflare_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/sandflaretest"
)

func TestSnapshots(t *testing.T) {
	t.Parallel()
	client, ctx := sandflaretest.Start(t).Client(), t.Context()
	first, err := client.CreateSandbox(ctx, nil)
	require.NoError(t, err)
	require.NoError(t, first.WriteFile(ctx, "f", []byte("as it was")))
	snapshot, err := first.CreateSnapshot(ctx, &sandflare.CreateSnapshotOptions{Name: "n", Description: "d", Tags: []string{"a", "b"}})
	require.NoError(t, err)
	assert.Equal(t, []string{"n", "d", first.Name()}, []string{snapshot.Name, snapshot.Description, snapshot.SandboxName})
	assert.Equal(t, []string{"a", "b"}, snapshot.Tags)

	second, err := client.CreateSandbox(ctx, &sandflare.CreateOptions{SnapshotID: snapshot.ID})
	require.NoError(t, err)
	data, err := second.ReadFile(ctx, "f")
	require.NoError(t, err)
	assert.Equal(t, "as it was", string(data))
	_, err = second.CreateSnapshot(ctx, nil)
	require.NoError(t, err)
	all, err := client.ListSnapshots(ctx, nil)
	require.NoError(t, err)
	assert.Len(t, all, 2)
	own, err := client.ListSnapshots(ctx, &sandflare.ListSnapshotsOptions{SandboxName: second.Name()})
	require.NoError(t, err)
	require.Len(t, own, 1)
	assert.Equal(t, snapshot.ID, own[0].ParentID)

	require.NoError(t, client.DeleteSnapshot(ctx, snapshot.ID))
	left, err := first.ListSnapshots(ctx)
	require.NoError(t, err)
	assert.Empty(t, left)
	_, err = client.CreateSandbox(ctx, &sandflare.CreateOptions{SnapshotID: snapshot.ID})
	assert.ErrorIs(t, err, sandflare.ErrNotFound)
}

func TestAutoSnapshots(t *testing.T) {
	t.Parallel()
	server, ctx := sandflaretest.Start(t), t.Context()
	sb, err := server.Client().CreateSandbox(ctx, nil)
	require.NoError(t, err)
	require.NoError(t, sb.EnableAutoSnapshot(ctx, 5*time.Minute))
	server.Advance(11 * time.Minute)
	require.NoError(t, sb.DisableAutoSnapshot(ctx))
	server.Advance(time.Hour)
	list, err := sb.ListSnapshots(ctx)
	require.NoError(t, err)
	require.Len(t, list, 2)
	assert.True(t, list[0].AutoCreated)
}
