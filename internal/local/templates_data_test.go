package local_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/local"
)

func decoded[T any](t *testing.T, data []byte) (value T) {
	t.Helper()
	require.NoError(t, json.Unmarshal(data, &value), "%s", data)
	return value
}

func archive(t *testing.T) string {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "in/side", Mode: 0o644, Size: 6, Uid: 77, Gid: 77}))
	_, err := w.Write([]byte("packed"))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.String()
}

const kept = "FROM x\nENV A=1\nWORKDIR /home/user/w\nRUN echo made > f\nLABEL a=b\nEXPOSE 80 81/udp\nCMD [\"c\"]\nENTRYPOINT e"

func TestTemplatesAreKept(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	a := start(t, local.Config{DataDir: dir})
	want := a.template(a.mustBuild("kept", kept))
	failed := a.built(a.build("failed", "FROM x\nRUN echo why; exit 1").ID)
	cut := a.build("cut", "FROM x\nRUN echo on; exec sleep 1000").ID
	a.logged(cut, "on")
	data, err := os.ReadFile(filepath.Join(dir, "templates", want.ID, "record.json"))
	require.NoError(t, err)
	record := decoded[map[string]any](t, data)
	assert.Equal(t, map[string]any{"a": "b"}, record["labels"])
	assert.Equal(t, []any{"80", "81/udp"}, record["ports"])
	assert.Contains(t, record, "cmd")
	assert.Contains(t, record, "entrypoint")
	require.NoError(t, a.srv.Close())

	a = start(t, local.Config{DataDir: dir})
	assert.Equal(t, want, a.template(want.ID))
	assert.Equal(t, failed, a.template(failed.ID))
	got := a.template(cut)
	assert.Equal(t, "failed", got.Status)
	assert.Contains(t, got.Error, "stopping")
	assert.Contains(t, got.Logs, "on")
	assert.Equal(t, "made 1\n", a.out(a.from("kept"), "echo $(cat f) $A"))
	for _, id := range []string{want.ID, failed.ID, cut} {
		a.ok("DELETE", "/templates/"+id, nil, nil)
	}
	require.NoError(t, a.srv.Close())
	left, err := os.ReadDir(filepath.Join(dir, "templates"))
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestTemplatesSurviveSIGKILL(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	k := startKillable(t, dir)
	want := k.template(k.mustBuild("kept", kept))
	cut := k.build("cut", "FROM x\nRUN echo on; exec sleep 1000").ID
	k.logged(cut, "on")
	k.kill()
	a := start(t, local.Config{DataDir: dir})
	assert.Equal(t, want, a.template(want.ID))
	assert.Equal(t, "made 1\n", a.out(a.from(want.ID), "echo $(cat f) $A"))
	got := a.template(cut)
	assert.Equal(t, "failed", got.Status)
	assert.Contains(t, got.Error, "ended while it was built")
	a.fails(409, "POST", "/sandboxes", map[string]any{"template_id": cut})
	require.NoError(t, a.srv.Close())
	assert.NoDirExists(t, filepath.Join(dir, "templates", cut, "tree"))
}
