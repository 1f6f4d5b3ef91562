package local_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/local"
	"github.com/sandflare/sandflare-go/internal/wire"
)

// remember adds what body says and returns the id.
func (a *api) remember(at string, body map[string]any) string {
	a.t.Helper()
	var answer wire.MemoryResults
	a.ok("POST", at, body, &answer)
	require.Len(a.t, answer.Results, 1)
	require.Equal(a.t, "ADD", answer.Results[0].Event)
	return answer.Results[0].ID
}

func (a *api) memories(path string) []wire.Memory {
	a.t.Helper()
	var answer struct{ Memories []wire.Memory }
	a.ok("GET", path, nil, &answer)
	require.NotNil(a.t, answer.Memories)
	return answer.Memories
}

func texts(memories []wire.Memory) (list []string) {
	for _, m := range memories {
		list = append(list, m.Memory)
	}
	return list
}

// Both levels answer the same calls; neither sees the other.
func TestMemory(t *testing.T) {
	t.Parallel()
	a := start(t, local.Config{})
	sb := a.create(nil)
	for _, at := range []string{sb + "/memory", "/memory"} {
		assert.Empty(t, a.memories(at))
		db := a.remember(at, map[string]any{
			"text": "The project database is PostgreSQL", "category": "project_context", "infer": true,
			"metadata": map[string]any{"source": "readme", "n": 1.5},
		})
		plain := a.remember(at, map[string]any{"text": "Prefers tabs"})
		list := a.memories(at)
		require.Equal(t, []string{"Prefers tabs", "The project database is PostgreSQL"}, texts(list), "newest first")
		got := list[1]
		assert.Equal(t, []any{db, "local", 0.0, true}, []any{got.ID, got.UserID, got.Score, got.Infer})
		assert.Equal(t, []string{"project_context"}, got.Categories)
		assert.Equal(t, map[string]any{"source": "readme", "n": 1.5}, got.Metadata)
		assert.False(t, got.CreatedAt.IsZero())
		assert.Equal(t, plain, list[0].ID)
		assert.False(t, list[0].Infer)
		if at == "/memory" {
			assert.Empty(t, got.AgentID)
		} else {
			assert.Equal(t, strings.TrimPrefix(sb, "/sandboxes/"), got.AgentID)
		}

		var again wire.MemoryResults
		a.ok("POST", at, map[string]any{"text": "Prefers tabs"}, &again)
		assert.Equal(t, []wire.MemoryResult{{ID: plain, Event: "NONE"}}, again.Results)
		found := a.memories(at + "?q=which+databases")
		require.Equal(t, []string{"The project database is PostgreSQL"}, texts(found))
		assert.True(t, found[0].Score > 0 && found[0].Score <= 1)
		assert.Equal(t, []string{"The project database is PostgreSQL"}, texts(a.memories(at+"?q=project_context")), "by category")

		a.ok("DELETE", at+"/"+db, nil, nil)
		a.fails(404, "DELETE", at+"/"+db, nil)
		assert.Equal(t, []string{"Prefers tabs"}, texts(a.memories(at)))
		a.ok("DELETE", at, nil, nil)
		a.ok("DELETE", at, nil, nil)
		assert.Empty(t, a.memories(at))
	}
	a.remember(sb+"/memory", map[string]any{"text": "of the sandbox"})
	a.remember("/memory", map[string]any{"text": "of the user"})
	assert.Equal(t, []string{"of the user"}, texts(a.memories("/memory")))
	assert.Equal(t, []string{"of the sandbox"}, texts(a.memories(sb+"/memory")))
	assert.Empty(t, a.memories(a.create(nil)+"/memory"), "sandboxes do not share")
	a.ok("DELETE", sb, nil, nil)
	a.fails(404, "GET", sb+"/memory", nil)
	assert.Equal(t, []string{"of the user"}, texts(a.memories("/memory")))
}

func TestMemoryBatchAndLimit(t *testing.T) {
	t.Parallel()
	a := start(t, local.Config{})
	var facts []string
	for i := range 25 {
		facts = append(facts, "fact number "+itoa(i))
	}
	var answer wire.MemoryResults
	a.ok("POST", "/memory/batch", map[string]any{"facts": append(facts, facts[0]), "category": "command", "metadata": map[string]any{"k": "v"}}, &answer)
	require.Len(t, answer.Results, 26)
	assert.Equal(t, wire.MemoryResult{ID: answer.Results[0].ID, Event: "NONE"}, answer.Results[25])
	list := a.memories("/memory")
	require.Len(t, list, 25)
	assert.Equal(t, "fact number 24", list[0].Memory, "of one moment: the last one first")
	assert.Equal(t, []any{[]string{"command"}, map[string]any{"k": "v"}}, []any{list[7].Categories, list[7].Metadata})
	assert.Len(t, a.memories("/memory?q=fact"), 10)
	assert.Len(t, a.memories("/memory?q=fact&limit=3"), 3)
	assert.Len(t, a.memories("/memory?q=fact&limit=100"), 25)
	assert.Equal(t, "fact number 17", a.memories("/memory?q=number+17&limit=1")[0].Memory)
}

func TestMemoryRefusals(t *testing.T) {
	t.Parallel()
	a := start(t, local.Config{})
	sb := a.create(nil)
	for _, at := range []string{sb + "/memory", "/memory"} {
		for _, body := range []any{nil, `{"text":""}`, `{"text":" \n"}`, `{"text":7}`, `{"text":"a","metadata":[]}`, `{"text":"a"} x`} {
			a.fails(400, "POST", at, body)
		}
		for _, body := range []any{nil, `{"facts":[]}`, `{"facts":["a",""]}`, `{"facts":"a"}`} {
			a.fails(400, "POST", at+"/batch", body)
		}
		for _, query := range []string{"?q=", "?q=a&limit=0", "?q=a&limit=-1", "?q=a&limit=x"} {
			a.fails(400, "GET", at+query, nil)
		}
		assert.Empty(t, a.memories(at), "a batch is remembered whole or not at all")
		a.fails(404, "DELETE", at+"/mem-none", nil)
	}
	a.fails(404, "POST", "/sandboxes/sb-none/memory", map[string]any{"text": "a"})
	a.fails(404, "POST", "/memory/mem-none/feedback", map[string]any{"useful": true})
	a.fails(400, "POST", "/memory/mem-none/feedback", map[string]any{})
}

// Feedback has one path for both levels and moves the order of a search.
func TestMemoryFeedback(t *testing.T) {
	t.Parallel()
	a := start(t, local.Config{})
	a.create(nil)
	for _, at := range []string{"/memory", a.create(nil) + "/memory"} {
		first := a.remember(at, map[string]any{"text": "deploy with make"})
		second := a.remember(at, map[string]any{"text": "deploy with bash"})
		best := func() string { return a.memories(at + "?q=deploy")[0].ID }
		require.Equal(t, second, best())
		a.ok("POST", "/memory/"+first+"/feedback", map[string]any{"useful": true}, nil)
		assert.Equal(t, first, best())
		for range 2 {
			a.ok("POST", "/memory/"+first+"/feedback", map[string]any{"useful": false}, nil)
		}
		assert.Equal(t, second, best())
	}
}

func TestMemoryOperations(t *testing.T) {
	t.Parallel()
	a := start(t, local.Config{})
	sb := a.create(nil)
	want := []string{"sandbox.create"}
	for _, at := range []string{sb + "/memory", "/memory"} {
		id := a.remember(at, map[string]any{"text": "a"})
		a.ok("POST", at+"/batch", map[string]any{"facts": []string{"b"}}, nil)
		a.memories(at + "?q=a")
		a.memories(at)
		a.ok("POST", "/memory/"+id+"/feedback", map[string]any{"useful": true}, nil)
		a.ok("DELETE", at+"/"+id, nil, nil)
		a.ok("DELETE", at, nil, nil)
		want = append(want, "memory.add", "memory.batch", "memory.search", "memory.list", "memory.feedback", "memory.delete", "memory.delete_all")
	}
	var got []string
	for _, request := range a.srv.Requests() {
		got = append(got, request.Operation)
	}
	assert.Equal(t, want, got)
}

func TestUserMemoryIsKept(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	a := start(t, local.Config{DataDir: dir})
	kept := a.remember("/memory", map[string]any{"text": "likes green tea", "category": "preference", "metadata": map[string]any{"k": "v"}, "infer": true})
	a.remember("/memory", map[string]any{"text": "likes black tea"})
	gone := a.remember("/memory", map[string]any{"text": "likes coffee"})
	a.ok("DELETE", "/memory/"+gone, nil, nil)
	a.ok("POST", "/memory/"+kept+"/feedback", map[string]any{"useful": true}, nil)
	a.remember(a.create(nil)+"/memory", map[string]any{"text": "of a sandbox"})
	list, found := a.memories("/memory"), a.memories("/memory?q=tea")
	require.NoError(t, a.srv.Close())

	a = start(t, local.Config{DataDir: dir})
	assert.Equal(t, list, a.memories("/memory"))
	assert.Equal(t, found, a.memories("/memory?q=tea"), "scores too: feedback counts on")
	a.ok("DELETE", "/memory", nil, nil)
	require.NoError(t, a.srv.Close())
	a = start(t, local.Config{DataDir: dir})
	assert.Empty(t, a.memories("/memory"))
	require.NoError(t, a.srv.Close())

	file := filepath.Join(dir, "memory", "record.json")
	require.NoError(t, os.WriteFile(file, []byte("["), 0o600))
	_, err := local.Start(t.Context(), local.Config{DataDir: dir})
	assert.ErrorContains(t, err, file)
}

// What cannot be kept is refused and not remembered either.
func TestUserMemoryOnBrokenDisk(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	a := start(t, local.Config{DataDir: dir})
	a.remember("/memory", map[string]any{"text": "first"})
	blocked := filepath.Join(dir, "memory", "record.json.new")
	require.NoError(t, os.Mkdir(blocked, 0o700))
	for _, refused := range [][3]string{{"POST", "/memory/batch", `{"facts":["second","third"]}`}, {"DELETE", "/memory", ""}} {
		status, data := a.call(refused[0], refused[1], refused[2])
		assert.GreaterOrEqual(t, status, 400, "%s", data)
	}
	assert.Equal(t, []string{"first"}, texts(a.memories("/memory")))
	require.NoError(t, os.Remove(blocked))
	a.remember("/memory", map[string]any{"text": "second"})
	assert.Equal(t, []string{"second", "first"}, texts(a.memories("/memory")))
}

// Numbers that a float64 cannot hold come back as they were sent, and are found.
func TestMemoryKeepsNumbers(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	const sent = `{"id":12345678901234567890,"port":1234567,"list":[0.10,{"n":9007199254740993}]}`
	a := start(t, local.Config{DataDir: dir})
	for _, at := range []string{"/memory", a.create(nil) + "/memory"} {
		a.ok("POST", at, `{"text":"numbered","metadata":`+sent+`}`, nil)
		_, data := a.call("GET", at, nil)
		assert.Contains(t, string(data), `"id":12345678901234567890,"list":[0.10,{"n":9007199254740993}],"port":1234567`)
		assert.Len(t, a.memories(at+"?q=1234567"), 1)
	}
	require.NoError(t, a.srv.Close())
	a = start(t, local.Config{DataDir: dir})
	_, data := a.call("GET", "/memory?q=1234567", nil)
	assert.Contains(t, string(data), "12345678901234567890")
}

const serveEnv = "SANDFLARE_TEST_SERVE" // a data folder: the test binary is then a server on it

// killable is a server of its own process, which kill ends as the power would.
type killable struct {
	*api
	cmd *exec.Cmd
}

func startKillable(t *testing.T, dir string) *killable {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestServeForKill$")
	cmd.Env = append(os.Environ(), serveEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	k := &killable{cmd: cmd}
	t.Cleanup(k.kill)
	base, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	k.api = &api{t: t, srv: common, client: &http.Client{Transport: redirected{transport, strings.TrimSpace(base)}}}
	return k
}

func (k *killable) kill() {
	_ = k.cmd.Process.Kill() // it may have been killed before
	_ = k.cmd.Wait()
}

// redirected sends what is meant for one server to another one, with its key.
type redirected struct {
	http.RoundTripper
	base string
}

func (r redirected) RoundTrip(req *http.Request) (*http.Response, error) {
	to, err := url.Parse(r.base)
	if err != nil {
		return nil, err
	}
	req = req.Clone(req.Context())
	req.URL.Host, req.Host = to.Host, to.Host
	req.Header.Set("X-API-Key", "k")
	return r.RoundTripper.RoundTrip(req)
}

// TestServeForKill is no test but the other process of killable.
func TestServeForKill(t *testing.T) {
	dir := os.Getenv(serveEnv)
	if dir == "" {
		t.Skip("started by other tests")
	}
	srv, err := local.Start(context.Background(), local.Config{DataDir: dir, Key: "k"})
	require.NoError(t, err)
	fmt.Println(srv.URL())
	select {}
}

func TestUserMemorySurvivesSIGKILL(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	k := startKillable(t, dir)
	var want []string
	for i := range 20 {
		text := "fact " + itoa(i)
		k.remember("/memory", map[string]any{"text": text})
		want = append([]string{text}, want...)
	}
	k.kill()
	a := start(t, local.Config{DataDir: dir})
	assert.Equal(t, want, texts(a.memories("/memory")))
}
