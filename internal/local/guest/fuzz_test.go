//go:build linux || darwin

package guest

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// frameless takes a frame's length off.
func frameless(frame []byte) []byte { return frame[4:] }

// Whatever comes over the socket: a message or an error, and a message reads
// back as it was written.
func FuzzProtocol(f *testing.F) {
	f.Add(frameless(startRequest{Name: "sb", Tier: Namespace, Dir: "/d", Env: []string{"A=b"}, MountPaths: []string{"/m"}, MountFrom: []string{"/f"}, IDs: 1, Mark: 7}.encode()))
	f.Add(frameless(execRequest{Args: []string{"sh", "-c", "a\xff"}, Dir: "/tmp", Timeout: time.Second, Stdin: true}.encode()))
	f.Add(frameless(encodePath(opOpen, "/a\nb")))
	f.Add(frameless(encodeEntries([]Entry{{Name: "a\xff", Size: 1 << 40, ModTime: time.Unix(5, 6)}, {Name: "dir", IsDir: true}}).frame()))
	f.Add(frameless(encodeProcesses([]ProcessInfo{{PID: 7, Command: "sleep", CPUTime: time.Second, Started: time.Unix(1, 2), RSSBytes: 3}}).frame()))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\x7f"))
	f.Fuzz(func(t *testing.T, data []byte) {
		operation := func() *decoder {
			d := &decoder{b: bytes.Clone(data)}
			d.uint()
			return d
		}
		var start, again startRequest
		if start.decode(operation()) == nil {
			d := &decoder{b: frameless(start.encode())}
			require.EqualValues(t, opStart, d.uint())
			require.NoError(t, again.decode(d))
			require.Equal(t, start, again)
		}
		var run, rerun execRequest
		if run.decode(operation()) == nil {
			d := &decoder{b: frameless(run.encode())}
			require.EqualValues(t, opExec, d.uint())
			require.NoError(t, rerun.decode(d))
			require.Equal(t, run, rerun)
		}
		if d := (&decoder{b: bytes.Clone(data)}); replyError(d) == nil {
			list := decodeEntries(d)
			require.LessOrEqual(t, len(list), len(data), "no more than could have been sent")
			if d.done() == nil {
				d = &decoder{b: frameless(encodeEntries(list).frame())}
				require.NoError(t, replyError(d))
				require.Equal(t, list, decodeEntries(d))
				require.NoError(t, d.done())
			}
		}
		if d := (&decoder{b: bytes.Clone(data)}); replyError(d) == nil {
			list := decodeProcesses(d)
			require.LessOrEqual(t, len(list), len(data))
			if d.done() == nil {
				d = &decoder{b: frameless(encodeProcesses(list).frame())}
				require.NoError(t, replyError(d))
				require.Equal(t, list, decodeProcesses(d))
			}
		}
	})
}
