package local_test

import (
	"math"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/local"
	"github.com/sandflare/sandflare-go/internal/wire"
)

func TestCreateGetListDelete(t *testing.T) {
	t.Parallel()
	a := start(t, local.Config{})
	var made, got wire.Sandbox
	a.ok("POST", "/sandboxes", map[string]any{
		"label": "agent", "size": "medium", "ephemeral": true, "ttl_hours": 2, "template_id": "",
		"env_vars": map[string]string{"A": "b"}, "metadata": map[string]string{"env": "prod"},
	}, &made)
	assert.Equal(t, "ready", made.Status)
	assert.Equal(t, "agent", made.Label)
	assert.Equal(t, "medium", made.Size)
	assert.Equal(t, "medium", made.Tier)
	assert.Equal(t, []int{2, 2048, 20}, []int{made.VCPUs, made.MemoryMB, made.RootGB})
	assert.True(t, made.Ephemeral)
	assert.Equal(t, map[string]string{"env": "prod"}, made.Metadata)
	assert.Equal(t, 2.0, made.TTLHours)
	assert.Equal(t, made.CreatedAt.Add(2*time.Hour), made.ExpiresAt.Time)
	assert.Empty(t, made.PreviewURL, "ports are the host's")
	sb := "/sandboxes/" + made.Name
	a.ok("GET", sb, nil, &got)
	assert.Equal(t, made, got)
	assert.Equal(t, "b\n", a.out(sb, "echo $A"))

	plain := a.create(nil) // as the CLI does, without a body
	var list []wire.Sandbox
	a.ok("GET", "/sandboxes", nil, &list)
	require.Len(t, list, 2)
	assert.Equal(t, made, list[0])
	assert.Equal(t, plain, "/sandboxes/"+list[1].Name)
	assert.Equal(t, "nano", list[1].Size)
	assert.True(t, list[1].ExpiresAt.IsZero())

	a.ok("GET", sb+"/health", nil, nil)
	a.ok("DELETE", sb, nil, nil)
	for _, call := range []string{"", "/health", "/logs", "/files?path=x", "/exec/stream?cmd=true"} {
		a.fails(404, "GET", sb+call, nil)
	}
	a.fails(404, "DELETE", sb, nil)
	a.ok("GET", "/sandboxes", nil, &list)
	assert.Len(t, list, 1)
}

func TestCreateAsTheCLIDoes(t *testing.T) {
	t.Parallel()
	a := shared(t)
	var made wire.Sandbox
	a.ok("POST", "/sandboxes", map[string]any{"name": "mine", "size": "small"}, &made)
	assert.Equal(t, "mine", made.Label)
	assert.Equal(t, "small", made.Size)
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	a := start(t, local.Config{})
	for name, row := range map[string]struct {
		status int
		body   map[string]any
	}{
		"size":              {400, map[string]any{"size": "giant"}},
		"negative ttl":      {400, map[string]any{"ttl_hours": -1}},
		"short interval":    {400, map[string]any{"auto_snapshot_interval_mins": 4}},
		"negative interval": {400, map[string]any{"auto_snapshot_interval_mins": -5}},
		"env name":          {400, map[string]any{"env_vars": map[string]string{"A=B": "c"}}},
		"env value":         {400, map[string]any{"env_vars": map[string]string{"A": "\x00"}}},
		"snapshot":          {404, map[string]any{"snapshot_id": "snap-none"}},
		"volume":            {404, map[string]any{"volumes": map[string]string{"/home/user/data": "vol-none"}}},
	} {
		a.fails(row.status, "POST", "/sandboxes", row.body)
		var list []wire.Sandbox
		a.ok("GET", "/sandboxes", nil, &list)
		assert.Empty(t, list, name)
	}
}

func TestSandboxLimit(t *testing.T) {
	t.Parallel()
	a := start(t, local.Config{MaxSandboxes: 2})
	sb := a.create(nil)
	a.fails(429, "POST", sb+"/fork", map[string]int{"n": 2})
	second := a.create(nil)
	status, data := a.call("POST", "/sandboxes", nil)
	assert.Equal(t, 429, status)
	assert.Contains(t, string(data), `"upgrade_url":"https://`)
	a.ok("DELETE", second, nil, nil)
	a.create(nil)
}

func TestListFilters(t *testing.T) {
	t.Parallel()
	a := start(t, local.Config{})
	a.create(map[string]any{"label": "a&b", "metadata": map[string]string{"k": "1", "u": "ü=&"}})
	a.create(map[string]any{"label": "c", "metadata": map[string]string{"k": "1"}})
	count := func(label, metadata string) int {
		var list []wire.Sandbox
		query := url.Values{}
		if label != "" {
			query.Set("label", label)
		}
		if metadata != "" {
			query.Set("metadata", metadata)
		}
		a.ok("GET", "/sandboxes?"+query.Encode(), nil, &list)
		return len(list)
	}
	assert.Equal(t, 2, count("", ""))
	assert.Equal(t, 1, count("a&b", ""))
	assert.Equal(t, 0, count("a", ""))
	assert.Equal(t, 2, count("", `{"k":"1"}`))
	assert.Equal(t, 1, count("", `{"k":"1","u":"ü=&"}`))
	assert.Equal(t, 0, count("", `{"k":"2"}`))
	assert.Equal(t, 0, count("", `{"none":""}`))
	assert.Equal(t, 1, count("c", `{"k":"1"}`))
	a.fails(400, "GET", "/sandboxes?metadata=x", nil)
}

func TestDeleteAtOnce(t *testing.T) {
	t.Parallel()
	a := shared(t)
	sb := a.create(nil)
	s := a.stream(sb, "echo on; sleep 1000")
	require.Equal(t, "stdout on", s.line())
	var deleted, missing atomic.Int32
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			switch status, _ := a.call("DELETE", sb, nil); status {
			case 200:
				deleted.Add(1)
			case 404:
				missing.Add(1)
			}
		})
	}
	all.Wait()
	assert.EqualValues(t, 1, deleted.Load())
	assert.EqualValues(t, 9, missing.Load())
}

func TestPauseAndResume(t *testing.T) {
	t.Parallel()
	a := shared(t)
	sb := a.create(map[string]any{"label": "paused"})
	s := a.stream(sb, "mkfifo f; echo on; read x <f; echo $x")
	require.Equal(t, "stdout on", s.line())

	a.ok("POST", sb+"/pause", map[string]any{}, nil)
	a.ok("POST", sb+"/pause", nil, nil) // repeats, and needs no body
	var list []wire.Sandbox
	a.ok("GET", "/sandboxes?label=paused", nil, &list)
	assert.Equal(t, "paused", list[0].Status, "a list resumes nothing")
	for _, text := range []string{
		a.fails(409, "POST", sb+"/exec", map[string]any{"cmd": "true"}),
		a.fails(409, "GET", sb+"/exec/stream?cmd=true", nil),
		a.fails(409, "POST", sb+"/run/python", map[string]any{"code": "1"}),
		a.fails(409, "POST", sb+"/run/kernel", map[string]any{"code": "1"}),
		a.fails(409, "GET", sb+"/files?path=f", nil),
		a.fails(409, "POST", sb+"/files?path=g", "x"),
		a.fails(409, "GET", sb+"/ls?path=.", nil),
	} {
		assert.Contains(t, text, "paused")
	}
	var got wire.Sandbox
	a.ok("GET", sb, nil, &got)
	assert.Equal(t, "ready", got.Status, "get resumes")
	a.out(sb, "echo back >f")
	assert.Equal(t, "stdout back", s.line())
	assert.Zero(t, s.done())

	a.ok("POST", sb+"/pause", nil, nil)
	a.ok("POST", sb+"/resume", nil, nil)
	assert.Equal(t, "hi\n", a.out(sb, "echo hi"))
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	a := start(t, local.Config{})
	sb, other := a.create(map[string]any{"ttl_hours": 1}), a.create(nil)
	a.srv.Advance(59 * time.Minute)
	a.ok("GET", sb, nil, nil)
	a.srv.Advance(time.Minute)
	a.fails(404, "GET", sb, nil)
	a.fails(404, "POST", sb+"/exec", map[string]any{"cmd": "true"})
	var list []wire.Sandbox
	a.ok("GET", "/sandboxes", nil, &list)
	require.Len(t, list, 1)
	assert.Equal(t, other, "/sandboxes/"+list[0].Name, "without a TTL it stays")
}

// The clock does not run over: what a duration cannot hold is not the past.
func TestClockAtItsEnd(t *testing.T) {
	t.Parallel()
	a := start(t, local.Config{})
	for range 3 {
		sb := a.create(map[string]any{"ttl_hours": 1})
		a.srv.Advance(math.MaxInt64)
		a.fails(404, "GET", sb, nil)
	}
	var sb wire.Sandbox
	a.ok("POST", "/sandboxes", nil, &sb)
	assert.Greater(t, sb.CreatedAt.Year(), 2300)
}

func TestKeepAlive(t *testing.T) {
	t.Parallel()
	a := start(t, local.Config{})
	sb := a.create(map[string]any{"ttl_hours": 1})
	a.srv.Advance(30 * time.Minute)
	var kept wire.KeepAliveResult
	var got wire.Sandbox
	a.ok("POST", sb+"/timeout", map[string]int{"timeout": 7200}, &kept)
	a.ok("GET", sb, nil, &got)
	assert.Equal(t, kept.NewDeadline, got.ExpiresAt)
	assert.WithinDuration(t, got.CreatedAt.Add(150*time.Minute), kept.NewDeadline.Time, time.Minute, "two hours from now")
	a.srv.Advance(119 * time.Minute)
	a.ok("GET", sb, nil, nil)
	a.ok("POST", sb+"/timeout", map[string]int{"timeout": 1}, nil)
	a.ok("POST", "/_local/clock", map[string]string{"advance": "2s"}, nil)
	a.fails(404, "GET", sb, nil)
	sb = a.create(nil)
	for _, n := range []int{0, -1, 86401} {
		a.fails(400, "POST", sb+"/timeout", map[string]int{"timeout": n})
	}
	for _, text := range []string{"", "-1s", "soon"} {
		a.fails(400, "POST", "/_local/clock", map[string]string{"advance": text})
	}
}

func TestSeed(t *testing.T) {
	t.Parallel()
	first := start(t, local.Config{Seed: 7}).create(nil)
	assert.Equal(t, first, start(t, local.Config{Seed: 7}).create(nil))
	assert.NotEqual(t, first, start(t, local.Config{Seed: 8}).create(nil))
	assert.NotEqual(t, start(t, local.Config{}).create(nil), start(t, local.Config{}).create(nil))
}

func TestEnv(t *testing.T) {
	t.Parallel()
	a := shared(t)
	sb := a.create(map[string]any{"env_vars": map[string]string{"A": "1", "B": "2"}})
	env := map[string]string{}
	a.ok("POST", sb+"/agent/envs", map[string]string{"B": "3", "C": "x y\n"}, &env)
	want := map[string]string{"A": "1", "B": "3", "C": "x y\n"}
	assert.Equal(t, want, env)
	env = nil
	a.ok("GET", sb+"/agent/envs", nil, &env)
	assert.Equal(t, want, env)
	assert.Equal(t, "1 3 x y\n|", a.out(sb, `printf '%s %s %s|' "$A" "$B" "$C"`))
	a.fails(400, "POST", sb+"/agent/envs", map[string]string{"": "x"})
	a.fails(400, "POST", sb+"/agent/envs", map[string]string{"A": strings.Repeat("x", 128<<10-2)})
	a.ok("POST", sb+"/agent/envs", map[string]string{"A": strings.Repeat("x", 128<<10-3)}, nil)
	assert.Equal(t, "131069\n", a.out(sb, "echo ${#A}"), "the longest there can be")
	a.fails(400, "POST", sb+"/agent/envs", map[string]string{"a=b": "x"})
}

func TestLogs(t *testing.T) {
	t.Parallel()
	a := shared(t)
	sb := a.create(nil)
	var logs wire.Logs
	a.ok("GET", sb+"/logs", nil, &logs)
	assert.Empty(t, logs.Logs)
	a.out(sb, `bash -lc 'echo one; echo '\''two'\'' >&2'`)
	a.ok("GET", sb+"/logs", nil, &logs)
	assert.Equal(t, []string{"$ echo one; echo 'two' >&2", "one", "two"}, logs.Logs)

	s := a.open(sb + "/logs?stream=true")
	a.out(sb, "echo three")
	assert.Equal(t, "log $ echo three", s.line())
	assert.Equal(t, "log three", s.line())
	a.ok("DELETE", sb, nil, nil)
	_, err := s.in.ReadByte()
	assert.Error(t, err, "the stream ends with the sandbox")
}
