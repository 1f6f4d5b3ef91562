package guest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// payload is a frame without its length, and without its op or errno.
func payload(t testing.TB, frame []byte) *decoder {
	t.Helper()
	d := &decoder{b: frame[4:]}
	d.uint()
	require.NoError(t, d.err)
	return d
}

func TestRoundTrips(t *testing.T) {
	t.Parallel()
	started := newStartRequest(Spec{Name: "sb-\xff", Tier: Namespace, Dir: "/d", Shared: "/s", From: "/f", Env: []string{"A=1", ""},
		Volumes: map[string]string{"/b": "2", "/a/c": "3", "/a": "1"}}, 65536)
	started.Mark = 1 << 63
	var gotStart startRequest
	require.NoError(t, gotStart.decode(payload(t, started.encode())))
	assert.Equal(t, started, gotStart)
	assert.Equal(t, []string{"/a", "/a/c", "/b"}, gotStart.MountPaths, "parents first")

	command := execRequest{Args: []string{"a", "\x00\xff", ""}, Dir: "d", Env: []string{}, Timeout: -1, Stdin: true}
	var gotCommand execRequest
	require.NoError(t, gotCommand.decode(payload(t, command.encode())))
	assert.Equal(t, command, gotCommand)

	entries := []Entry{{Name: "\xfe", IsDir: true, Size: -1, ModTime: time.Unix(-5, 7)}, {Name: ""}}
	entries[1].ModTime = time.Unix(0, 0)
	d := payload(t, encodeEntries(entries).frame())
	assert.Equal(t, entries, decodeEntries(d))
	require.NoError(t, d.done())

	processes := []ProcessInfo{{PID: 7, Command: "c", CPUTime: time.Second, Started: time.Unix(1, 0), RSSBytes: 1 << 40}}
	d = payload(t, encodeProcesses(processes).frame())
	assert.Equal(t, processes, decodeProcesses(d))
	require.NoError(t, d.done())
}

func TestMalformed(t *testing.T) {
	t.Parallel()
	whole := execRequest{Args: []string{"abc"}, Dir: "d", Env: []string{"x"}}.encode()[5:]
	for n := range whole {
		var r execRequest
		require.ErrorIs(t, r.decode(&decoder{b: whole[:n]}), errMalformed, n)
	}
	var r execRequest
	require.ErrorIs(t, r.decode(&decoder{b: append(whole, 0)}), errMalformed, "something left over")
	require.ErrorIs(t, r.decode(payload(t, execRequest{}.encode())), errMalformed, "no arguments")
	d := &decoder{b: newEncoder().uint(1 << 60).frame()[4:]}
	assert.Empty(t, d.strings())
	require.ErrorIs(t, d.done(), errMalformed, "a count beyond the message")
}

func FuzzDecode(f *testing.F) {
	f.Add(startRequest{Name: "n", MountPaths: []string{"/a"}, MountFrom: []string{"/b"}}.encode()[4:])
	f.Add(execRequest{Args: []string{"a", "b"}, Env: []string{"c"}}.encode()[4:])
	f.Add(encodeEntries([]Entry{{Name: "x"}}).frame()[4:])
	f.Add(encodeProcesses([]ProcessInfo{{PID: 1}}).frame()[4:])
	f.Add(newReply(errMalformed).frame()[4:])
	f.Fuzz(func(t *testing.T, b []byte) {
		d := &decoder{b: b}
		d.uint()
		var start startRequest
		if start.decode(&decoder{b: d.b, err: d.err}) == nil {
			var again startRequest
			require.NoError(t, again.decode(payload(t, start.encode())))
			require.Equal(t, start, again)
		}
		var command execRequest
		if command.decode(&decoder{b: d.b, err: d.err}) == nil {
			var again execRequest
			require.NoError(t, again.decode(payload(t, command.encode())))
			require.Equal(t, command, again)
		}
		decodeEntries(&decoder{b: b})
		decodeProcesses(&decoder{b: b})
		replyError(&decoder{b: b})
	})
}
