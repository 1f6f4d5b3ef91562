package sandflare_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/sandflaretest"
)

func TestVolumes(t *testing.T) {
	t.Parallel()
	client, ctx := sandflaretest.Start(t).Client(), t.Context()
	volume, err := client.CreateVolume(ctx, "data", &sandflare.CreateVolumeOptions{SizeGB: 20})
	require.NoError(t, err)
	assert.NotEmpty(t, volume.ID)
	assert.Equal(t, "data", volume.Name)
	assert.Equal(t, 20, volume.SizeGB)
	assert.NotEmpty(t, volume.Status)
	for _, nameOrID := range []string{volume.ID, "data"} {
		got, err := client.GetVolume(ctx, nameOrID)
		require.NoError(t, err)
		assert.Equal(t, volume, got)
	}
	list, err := client.ListVolumes(ctx)
	require.NoError(t, err)
	assert.Equal(t, []sandflare.Volume{*volume}, list)
	require.NoError(t, client.DeleteVolume(ctx, volume.ID))
	_, err = client.GetVolume(ctx, volume.ID)
	assert.ErrorIs(t, err, sandflare.ErrNotFound)
}
