package local_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/local"
)

func TestDoorRefuses(t *testing.T) {
	t.Parallel()
	a := start(t, local.Config{})
	for name, row := range map[string]struct {
		status int
		change func(*http.Request)
	}{
		"no key":                  {401, func(r *http.Request) { r.Header.Del("X-API-Key") }},
		"wrong key":               {401, func(r *http.Request) { r.Header.Set("X-API-Key", "wrong") }},
		"key and more":            {401, func(r *http.Request) { r.Header.Set("X-API-Key", a.srv.Key()+"x") }},
		"foreign host":            {421, func(r *http.Request) { r.Host = "evil.example" }},
		"host that begins right":  {421, func(r *http.Request) { r.Host = "127.0.0.1.evil.example" }},
		"browser":                 {403, func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1") }},
		"null origin":             {403, func(r *http.Request) { r.Header.Set("Origin", "null") }},
		"no such call":            {404, func(r *http.Request) { r.URL.Path = "/nothing" }},
		"wrong method":            {404, func(r *http.Request) { r.Method = "PUT" }},
		"path to clean":           {404, func(r *http.Request) { r.URL.Path = "/sandboxes/../sandboxes" }},
		"double slash":            {404, func(r *http.Request) { r.URL.Path = "//sandboxes" }},
		"query with a bad escape": {400, func(r *http.Request) { r.URL.RawQuery = "label=%zz" }},
		"query with a semicolon":  {400, func(r *http.Request) { r.URL.RawQuery = "label=a;b" }},
	} {
		t.Run(name, func(t *testing.T) {
			req := a.request("GET", "/sandboxes", nil)
			row.change(req)
			status, data := a.do(req)
			assert.Equal(t, row.status, status)
			assert.NotContains(t, errorText(t, data), a.srv.Key())
		})
	}
	for _, host := range []string{"localhost", "localhost:1", "127.0.0.1", "[::1]:99", "LOCALHOST"} {
		req := a.request("GET", "/sandboxes", nil)
		req.Host = host
		status, _ := a.do(req)
		assert.Equal(t, 200, status, host)
	}
}

// A HEAD must not run what a GET of the same path runs.
func TestHeadRunsNothing(t *testing.T) {
	t.Parallel()
	a := start(t, local.Config{})
	sb := a.create(nil)
	status, _ := a.call("HEAD", sb+"/exec/stream?cmd=touch+ran", nil)
	assert.Equal(t, 404, status)
	assert.Empty(t, a.out(sb, "ls"))
}

func TestBodies(t *testing.T) {
	t.Parallel()
	a := start(t, local.Config{})
	sb := a.create(nil)
	for name, body := range map[string]string{
		"trailing junk": `{"cmd":"touch ran"} x`,
		"two documents": `{"cmd":"touch ran"}{"cmd":"touch ran"}`,
		"cut":           `{"cmd":"touch ran"`,
		"no object":     `["touch ran"]`,
		"wrong type":    `{"cmd":["touch ran"]}`,
		"no command":    `{}`,
		"empty":         ``,
	} {
		t.Run(name, func(t *testing.T) { a.fails(400, "POST", sb+"/exec", body) })
	}
	a.fails(413, "POST", sb+"/exec", io.MultiReader(strings.NewReader(`{"cmd":"touch ran","x":"`), io.LimitReader(letters{}, 65<<20), strings.NewReader(`"}`)))
	assert.Empty(t, a.out(sb, "ls"), "nothing of it ran")
}

// Half a body is refused, and nothing is done with it.
func TestHalfBody(t *testing.T) {
	t.Parallel()
	a := start(t, local.Config{})
	sb := a.create(nil)
	a.write(sb, "sub/kept", "as it was")
	for path, body := range map[string]string{
		sb + "/exec":                `{"cmd":"touch ran"}`,
		sb + "/files?path=sub/kept": "half of",
		sb + "/files?path=new":      "half of",
		"/sandboxes":                `{"label":"half"}`,
	} {
		resp := a.raw(fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nX-API-Key: %s\r\nContent-Length: %d\r\n\r\n%s",
			path, a.srv.Key(), len(body)+10, body))
		assert.Equal(t, 400, resp.StatusCode, path)
		data, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		assert.Contains(t, errorText(t, data), "ended early", path)
	}
	assert.Equal(t, "kept\n", a.out(sb, "ls -A sub"), "no temporary file stays")
	assert.Equal(t, "as it was", a.read(sb, "sub/kept"))
	var list []any
	a.ok("GET", "/sandboxes", nil, &list)
	assert.Len(t, list, 1)
}

// A client that waits for "100 Continue" is refused without having to send its body.
func TestRefusedBeforeTheBody(t *testing.T) {
	t.Parallel()
	a := start(t, local.Config{})
	sb := a.create(nil)
	for name, row := range map[string]struct {
		path, key string
		status    int
	}{
		"key":     {sb + "/exec", "wrong", 401},
		"call":    {sb + "/nothing", a.srv.Key(), 404},
		"sandbox": {"/sandboxes/sb-none/files?path=f", a.srv.Key(), 404},
	} {
		conn := a.send(fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nX-API-Key: %s\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n", row.path, row.key))
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(20*time.Second)))
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err, name)
		assert.Equal(t, row.status, resp.StatusCode, name)
	}
	req := a.request("POST", sb+"/exec", `{"cmd":"echo on"}`)
	req.Header.Set("Expect", "100-continue")
	_, data := a.do(req)
	assert.Contains(t, string(data), `"on\n"`, "what is let in is asked for")
}

// send opens a connection and sends bytes.
func (a *api) send(request string) net.Conn {
	a.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(a.srv.URL(), "http://"))
	require.NoError(a.t, err)
	a.t.Cleanup(func() { conn.Close() })
	_, err = io.WriteString(conn, request)
	require.NoError(a.t, err)
	return conn
}

// raw sends bytes, then the end of input, and reads the answer.
func (a *api) raw(request string) *http.Response {
	a.t.Helper()
	conn := a.send(request)
	require.NoError(a.t, conn.(*net.TCPConn).CloseWrite())
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(a.t, err)
	return resp
}

type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestListensOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{":0", "0.0.0.0:0", "192.0.2.1:0", "example.com:0", "nonsense"} {
		_, err := local.Start(t.Context(), local.Config{Addr: addr})
		assert.ErrorContains(t, err, "address", addr)
	}
}

func TestJournal(t *testing.T) {
	t.Parallel()
	a := start(t, local.Config{})
	sb := a.create(map[string]any{"label": "x"})
	a.write(sb, "big", strings.Repeat("x", 100<<10))
	a.fails(404, "GET", "/sandboxes/sb-none?a=1", nil)
	req := a.request("GET", "/sandboxes", nil)
	req.Header.Set("X-API-Key", "wrong-key")
	a.do(req)
	a.ok("GET", "/_local/info", nil, nil)

	list := a.srv.Requests()
	require.Len(t, list, 4, "calls to /_local are no requests of the API")
	assert.Equal(t, "sandbox.create", list[0].Operation)
	assert.Equal(t, `{"label":"x"}`, string(list[0].Body))
	assert.Equal(t, 200, list[0].Status)
	assert.Equal(t, "file.write", list[1].Operation)
	assert.Len(t, list[1].Body, 64<<10)
	assert.Equal(t, "sandbox.get", list[2].Operation)
	assert.Equal(t, "/sandboxes/sb-none", list[2].Path)
	assert.Equal(t, "1", list[2].Query.Get("a"))
	assert.Equal(t, 404, list[2].Status)
	assert.Equal(t, 401, list[3].Status)
	text := fmt.Sprint(list)
	assert.NotContains(t, text, a.srv.Key())
	assert.NotContains(t, text, "wrong-key")

	var mirror struct{ Requests []local.Request }
	a.ok("GET", "/_local/requests", nil, &mirror)
	want, err := json.Marshal(list)
	require.NoError(t, err)
	have, err := json.Marshal(mirror.Requests)
	require.NoError(t, err)
	assert.JSONEq(t, string(want), string(have))

	a.ok("POST", "/_local/reset", nil, nil)
	assert.Empty(t, a.srv.Requests())
	a.fails(404, "GET", sb, nil)
}

func TestInfo(t *testing.T) {
	t.Parallel()
	a := start(t, local.Config{})
	var info map[string]string
	a.ok("GET", "/_local/info", nil, &info)
	assert.Equal(t, string(a.srv.Isolation().Tier), info["isolation"])
	assert.Equal(t, a.srv.Isolation().Reason, info["reason"])
	assert.NotEmpty(t, info["version"])
	req := a.request("GET", "/_local/info", nil)
	req.Header.Del("X-API-Key")
	status, _ := a.do(req)
	assert.Equal(t, 401, status)
}

// A value of another type is named, with the type that it should have.
func TestOddTypesAreNamed(t *testing.T) {
	t.Parallel()
	a := shared(t)
	sb := a.create(nil)
	for body, want := range map[string]string{
		`{"cmd":"true","timeout":1.5}`: `"timeout" is to be a whole number; given was: number 1.5`,
		`{"cmd":"true","timeout":"5"}`: `"timeout" is to be a whole number; given was: string`,
		`{"cmd":["true"]}`:             `"cmd" is to be a text; given was: array`,
		`{"cmd":"true","env":[]}`:      `"env" is to be an object; given was: array`,
		`[]`:                           `"the body" is to be an object; given was: array`,
		`{"cmd":`:                      "not the JSON that this call takes: unexpected EOF",
	} {
		status, data := a.do(a.request("POST", sb+"/exec", strings.NewReader(body)))
		assert.Equal(t, 400, status, body)
		assert.Contains(t, errorText(t, data), want)
	}
}
