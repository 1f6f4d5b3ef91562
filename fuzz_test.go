package sandflare_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go"
)

// noted is a client whose requests end here: the last one and its body are kept.
type noted struct {
	url    *url.URL
	body   []byte
	answer string
}

func (n *noted) RoundTrip(r *http.Request) (*http.Response, error) {
	n.url, n.body = r.URL, nil
	if r.Body != nil {
		n.body, _ = io.ReadAll(r.Body)
	}
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(n.answer)), Request: r, ContentLength: -1}, nil
}

func (n *noted) sandbox(t *testing.T, name string) *sandflare.Sandbox {
	client, err := sandflare.NewClient(sandflare.WithAPIKey(testKey), sandflare.WithBaseURL(testURL+"/prefix"),
		sandflare.WithHTTPClient(&http.Client{Transport: n}), sandflare.WithMaxRetries(0))
	require.NoError(t, err)
	return client.Sandbox(name)
}

// A name is refused, or it is one segment of the path and nothing else.
func FuzzSegment(f *testing.F) {
	for _, name := range hostile {
		f.Add(name)
	}
	f.Add("sb-1 é")
	f.Fuzz(func(t *testing.T, name string) {
		n := &noted{answer: "{}"}
		if err := n.sandbox(t, name).Health(t.Context()); err != nil {
			require.ErrorIs(t, err, sandflare.ErrInvalidArgument)
			require.Nil(t, n.url, "nothing was sent")
			return
		}
		require.Equal(t, "/prefix/sandboxes/"+name+"/health", n.url.Path)
		require.Equal(t, n.url.Path, path.Clean(n.url.Path), "no server takes it for another path")
		require.Len(t, strings.Split(n.url.EscapedPath(), "/"), 5)
		require.Empty(t, n.url.RawQuery+n.url.Fragment)
	})
}

// A file's path arrives as it was given, as the only parameter.
func FuzzPath(f *testing.F) {
	for _, name := range []string{"/tmp/a", "a b+c%2f?d#e&f=g;h", "e\u0301", "\xff", "new\nline", "..", "", "\x00", "a&path=b"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		n := &noted{}
		if _, err := n.sandbox(t, "sb-1").ReadFile(t.Context(), name); err != nil {
			require.ErrorIs(t, err, sandflare.ErrInvalidArgument)
			require.Nil(t, n.url)
			return
		}
		values, err := url.ParseQuery(n.url.RawQuery)
		require.NoError(t, err)
		require.Equal(t, url.Values{"path": {name}}, values)
	})
}

// bashWords reads the words of a command line as a shell does: quotes only.
func bashWords(line string) (words []string, ok bool) {
	word, open := "", false
	for len(line) > 0 {
		switch c := line[0]; c {
		case ' ':
			words, word, open, line = append(words, word), "", false, line[1:]
		case '\'', '"':
			end := strings.IndexByte(line[1:], c)
			if end < 0 || c == '"' && line[1:1+end] != "'" {
				return nil, false
			}
			word, open, line = word+line[1:1+end], true, line[end+2:]
		default:
			word, open, line = word+line[:1], true, line[1:]
		}
	}
	if open {
		words = append(words, word)
	}
	return words, true
}

// A command, a folder and a value are each one word, whatever is in them.
func FuzzScript(f *testing.F) {
	for _, seed := range [][3]string{{"echo a", "", ""}, {`echo "a 'b'" # c`, "/tmp", "it's"}, {"cat <<E\n$(id)\nE", "-", "`id`"}, {"'", "'", "'"}} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, command, dir, value string) {
		n := &noted{answer: `{"exit_code":0}`}
		_, err := n.sandbox(t, "sb-1").Exec(t.Context(), command, &sandflare.ExecOptions{Dir: dir, Env: map[string]string{"A": value}})
		if err != nil {
			require.ErrorIs(t, err, sandflare.ErrInvalidArgument)
			return
		}
		var body struct{ Cmd string }
		require.NoError(t, json.Unmarshal(n.body, &body))
		words, ok := bashWords(body.Cmd)
		require.True(t, ok, body.Cmd)
		require.Len(t, words, 3)
		script, ok := strings.CutSuffix(words[2], "\n"+command)
		require.True(t, ok, "the command stands alone at the end")
		if dir != "" {
			line, rest, _ := strings.Cut(script, " || exit\nexport A=")
			got, ok := bashWords(strings.TrimPrefix(line, "cd -- "))
			require.True(t, ok && len(got) == 1 && strings.TrimPrefix(got[0], "./") == strings.TrimPrefix(dir, "./"), script)
			script = "export A=" + rest
		}
		got, ok := bashWords(strings.TrimSuffix(strings.TrimPrefix(script, "export A="), " || exit"))
		require.True(t, ok && strings.Join(got, "") == value, script)
	})
}

// Whatever comes for a stream: it ends, with one done or with one error, and nothing behind it.
func FuzzStream(f *testing.F) {
	for _, seed := range []string{
		"data: a\n\n" + doneFrame, doneFrame + "data: a\n\n", "event: done\ndata: {\"exit_code\": \"7\"}\n\n", "event: exit\n\n",
		"event: error\ndata: {\"error\": \"no\"}\n\n", "event: x\ndata: {\"line\": 7}\n\ndata", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		n := &noted{answer: body}
		ends := 0
		for event, err := range n.sandbox(t, "sb-1").ExecStream(t.Context(), "true", nil) {
			require.Zero(t, ends, "nothing comes behind the end")
			if err != nil {
				require.True(t, errors.Is(err, sandflare.ErrStreamInterrupted), err)
			}
			if err != nil || event.Type == sandflare.EventDone {
				ends++
			}
		}
		require.Equal(t, 1, ends)
	})
}
