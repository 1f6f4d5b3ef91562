package kernel_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/sandflare/sandflare-go/internal/local/kernel"
	"github.com/sandflare/sandflare-go/internal/wire"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// python is a running kernel.
type python struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser
	out io.Reader
}

func start(t *testing.T, env ...string) *python {
	t.Helper()
	return startDriver(t, kernel.Driver, env...)
}

func startDriver(t *testing.T, driver string, env ...string) *python {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the local Sandflare does not run there")
	}
	name, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	p := &python{t: t, cmd: exec.Command(name, "-c", driver)}
	p.cmd.Dir = t.TempDir()
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stderr = os.Stderr
	p.in, err = p.cmd.StdinPipe()
	require.NoError(t, err)
	p.out, err = p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	})
	return p
}

// run runs code and requires an answer, be it an error.
func (p *python) run(code string) wire.KernelResult {
	p.t.Helper()
	require.NoError(p.t, kernel.Encode(p.in, code))
	result, err := kernel.Decode(p.out)
	require.NoError(p.t, err)
	require.Equal(p.t, result.Error == "", *result.OK)
	return result
}

// value is the text of code that must not fail.
func (p *python) value(code string) string {
	p.t.Helper()
	result := p.run(code)
	require.Empty(p.t, result.Error)
	return result.Text
}

func TestValuesAndState(t *testing.T) {
	t.Parallel()
	p := start(t)
	assert.Equal(t, "", p.value("x = 20\ndef f(n):\n    return n + x\n"))
	assert.Equal(t, "42", p.value("import math\nf(22)"))
	assert.Equal(t, "'é\\n日本'", p.value("'é\\n日本'"), "strings come as repr")
	assert.Equal(t, "'é\\n日本'", p.value("_"))
	assert.Equal(t, "", p.value("None"))
	assert.Equal(t, "", p.value("x = 1"))
	assert.Equal(t, "", p.value(""))
	assert.Equal(t, "", p.value("# nothing"))
	assert.Equal(t, "'__main__'", p.value("__name__"))
	assert.Equal(t, "4.0", p.value("math.sqrt(16)  # a comment"))
	assert.Equal(t, "'<y>'", p.value("import functools\n@functools.lru_cache\ndef g(v):\n    if v:\n\n        return f'<{v}>'\ng('y')"))
	assert.Equal(t, "C(a=1)", p.value("from dataclasses import dataclass\n@dataclass\nclass C:\n    a: int\nimport pickle\npickle.loads(pickle.dumps(C(1)))"))
	assert.Equal(t, "'def h(): pass\\n'", p.value("def h(): pass\nimport inspect; inspect.getsource(h)"))
	assert.Equal(t, "['']", p.value("import sys; sys.argv"))
}

func TestTopLevelAwait(t *testing.T) {
	t.Parallel()
	p := start(t)
	assert.Equal(t, "7", p.value("import asyncio\nasync def f(): await asyncio.sleep(0); return 7\nv = await f()\nv"))
	assert.Equal(t, "7", p.value("await f()"))
	assert.Equal(t, "7", p.value("asyncio.run(f())"))
	failed := p.run("async def g():\n    1/0\nawait g()")
	assert.True(t, strings.HasPrefix(failed.Error, "Traceback (most recent call last):\n  File \"<cell 4>\", line 3"), failed.Error)
}

func TestOutput(t *testing.T) {
	t.Parallel()
	p := start(t)
	result := p.run(`import os, subprocess, sys
print("one")
os.write(1, b"two\n")
os.system("echo three; echo err >&2")
subprocess.run(["sh", "-c", "echo four; cat"])
print("fünf", end="")
sys.stderr.write("last \udcff\n")
os.write(1, b"\xff")
5`)
	assert.Equal(t, "one\ntwo\nthree\nfour\nfünf\ufffd", result.Stdout)
	assert.Equal(t, "err\nlast \\udcff\n", result.Stderr)
	assert.Equal(t, "5", result.Text)
	assert.Empty(t, p.run("").Stdout, "nothing comes twice")
}

func TestOutputBeforeAnError(t *testing.T) {
	t.Parallel()
	p := start(t)
	result := p.run("print('before')\n1/0")
	assert.Equal(t, "before\n", result.Stdout)
	assert.Empty(t, result.Stderr)
}

func TestLargeTexts(t *testing.T) {
	t.Parallel()
	p := start(t)
	result := p.run("print('ab\\u00e9\\0' * 1_000_000)\n'x' * 3_000_000")
	assert.Len(t, result.Stdout, 5_000_001)
	assert.Len(t, result.Text, 3_000_002)
	code := "v = '" + strings.Repeat("é", 2_000_000) + "'"
	assert.Equal(t, "2000000", p.value(code+"\nlen(v)"))
}

func TestTooLargeTextsAreCut(t *testing.T) {
	t.Parallel()
	const limit = "64 << 20"
	require.Contains(t, kernel.Driver, limit)
	p := startDriver(t, strings.Replace(kernel.Driver, limit, "1 << 20", 1))
	result := p.run("import os, sys\nfor _ in range(5): os.write(1, b'x' * (1 << 18))\nsys.stderr.write('e' * (1 << 20) + 'f')\n'é' * (1 << 20)")
	assert.Len(t, result.Stdout, 1<<20)
	assert.Equal(t, strings.Repeat("e", 1<<20)+"\nstdout: the last 262144 bytes were cut\nstderr: the last 1 bytes were cut", result.Stderr)
	assert.True(t, strings.HasSuffix(result.Text, "é… (cut)"), "the text as well")
	assert.LessOrEqual(t, len(result.Text), 1<<20)
}

func TestErrors(t *testing.T) {
	t.Parallel()
	p := start(t)
	assert.Equal(t, strings.Join([]string{
		"Traceback (most recent call last):",
		`  File "<cell 1>", line 4, in <module>`,
		"    f()",
		`  File "<cell 1>", line 3, in f`,
		"    raise ValueError('no é')",
		"ValueError: no é",
	}, "\n"), p.run("\ndef f():\n    raise ValueError('no é')\nf()").Error)
	for code, want := range map[string]string{
		"import sys\nsys.exit(3)": "SystemExit: 3",
		"quit()":                  "SystemExit",
		"input()":                 "EOFError",
		"x = = 1":                 "SyntaxError: invalid syntax",
		"def f(:":                 "SyntaxError",
		"  x":                     "IndentationError",
		"return":                  "SyntaxError: 'return' outside function",
		"a\x00":                   "null bytes",
		"def r(): r()\nr()":       "RecursionError",
		"class A:\n    def __repr__(self): 1/0\nA()":          "ZeroDivisionError",
		"class A(Exception):\n  def __str__(s): 1/0\nraise A": "A",
		"raise KeyboardInterrupt":                             "KeyboardInterrupt",
		"try:\n    1/0\nexcept Exception:\n    undefined":     "During handling of the above exception",
		"exec('def f(): 1/0\\nf()')":                          `File "<string>", line 1, in f`,
		"print('x', file=open('/dev/null'))":                  "not writable",
	} {
		got := p.run(code).Error
		assert.Contains(t, got, want, code)
		for _, own := range []string{"in guard", "in run", "in execute", "in show", "in handle"} {
			assert.NotContains(t, got, own, code)
		}
	}
	assert.Equal(t, "1", p.value("1"), "lives on")
}

func TestInterrupt(t *testing.T) {
	t.Parallel()
	p := start(t)
	require.Empty(t, p.run("kept = 1").Error)
	require.NoError(t, p.cmd.Process.Signal(os.Interrupt), "between requests it does nothing")
	for _, block := range []string{
		"ready()\nwhile True: pass",
		"import time\nready()\ntime.sleep(600)",
		"import subprocess\np = subprocess.Popen(['sleep', '600'])\ntry:\n    ready()\n    p.wait()\nfinally: p.kill()",
		"class A:\n    def __repr__(self):\n        ready()\n        while True: pass\nA()",
	} {
		p.interrupted(block)
		assert.Equal(t, "1", p.value("kept"), block)
	}
}

func TestInterruptedAwaitIsCancelled(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.interrupted("import asyncio\nasync def late():\n    asyncio.get_running_loop().call_soon(ready)\n    try: await asyncio.sleep(600)\n    finally: print('cancelled')\nawait late()")
	assert.Equal(t, "cancelled\n", p.run("await asyncio.sleep(0)").Stdout, "it does not run on beside later code")
}

func TestIgnoredInterruptIsForTheRequestOnly(t *testing.T) {
	t.Parallel()
	p := start(t)
	require.Empty(t, p.run("import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)").Error)
	p.interrupted("ready()\nwhile True: pass")
}

// interrupted runs code that calls ready and does not end, and interrupts it then.
func (p *python) interrupted(block string) {
	p.t.Helper()
	fifo := filepath.Join(p.cmd.Dir, "fifo")
	_ = os.Remove(fifo)
	require.NoError(p.t, exec.Command("mkfifo", fifo).Run())
	require.Empty(p.t, p.run("def ready(): open('fifo', 'w').close()").Error)
	require.NoError(p.t, kernel.Encode(p.in, block))
	_, err := os.ReadFile(fifo) // until ready has opened and closed it
	require.NoError(p.t, err)
	stop := p.interrupt()
	result, err := kernel.Decode(p.out)
	stop()
	require.NoError(p.t, err)
	assert.True(p.t, strings.HasSuffix(result.Error, "KeyboardInterrupt"), result.Error)
	assert.NotContains(p.t, result.Error, "in handle")
}

// interrupt sends SIGINT again and again until the returned function is called.
func (p *python) interrupt() (stop func()) {
	ended, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		for {
			_ = p.cmd.Process.Signal(os.Interrupt)
			select {
			case <-ended:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() { close(ended); <-gone }
}

func TestProtocolIsOutOfReach(t *testing.T) {
	t.Parallel()
	p := start(t)
	for _, code := range []string{
		"import os\nos.close(0); os.close(1); os.close(2)",
		"import sys\nsys.stdout.close(); sys.stderr.close(); sys.stdin.close()",
		"import sys\nsys.stdout = sys.stderr = None",
		"import os\nif os.fork() == 0: print('child')\nelse: os.wait()",
		"import os\nif os.fork() == 0: raise SystemExit\nelse: os.wait()",
		"import multiprocessing\nq = multiprocessing.get_context('fork').Process(target=print, args=('child',)); q.start(); q.join()",
		"import subprocess\nsubprocess.Popen(['sleep', '0.1'], close_fds=False)",
		"import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()",
	} {
		require.Empty(t, p.run(code).Error, code)
		result := p.run("print('here'); 6 * 7")
		assert.Equal(t, "42", result.Text, code)
		assert.Contains(t, result.Stdout, "here", code)
	}
	forked := p.run("import os\nprint('parent')\nif os.fork() == 0: print('child')\nelse: os.wait()")
	assert.Equal(t, "parent\nchild\n", forked.Stdout)
	require.NoError(t, p.in.Close())
	require.NoError(t, p.cmd.Wait(), "the end of stdin ends it, threads or not")
}

func TestDeathIsEOF(t *testing.T) {
	t.Parallel()
	p := start(t)
	require.NoError(t, kernel.Encode(p.in, "import os\nos._exit(1)"))
	_, err := kernel.Decode(p.out)
	assert.ErrorIs(t, err, io.EOF)
}

func TestHTML(t *testing.T) {
	t.Parallel()
	p := start(t)
	result := p.run("class T:\n    def _repr_html_(self): return '<b>é</b>'\n    def __repr__(self): return 'T!'\nT()")
	assert.Equal(t, "<b>é</b>", result.HTML)
	assert.Equal(t, "T!", result.Text)
	assert.Empty(t, p.run("T").HTML, "a class is not its instance")
	result = p.run("class B:\n    def _repr_html_(self): 1/0\nB()")
	assert.Empty(t, result.HTML+result.Error)
}

// A matplotlib of a few lines: what the driver calls, and nothing else.
const pyplot = `
import os, warnings
assert os.environ["MPLBACKEND"] == "Agg"
figures = []
class Figure:
    def __init__(self, data): self.data = data
    def savefig(self, f, format, **kw):
        assert format == "png"
        f.write(self.data)
def get_fignums(): return list(range(len(figures)))
def gcf(): return figures[-1]
def close(which): assert which == "all"; figures.clear()
def show(): warnings.warn("FigureCanvasAgg is non-interactive, and thus cannot be shown")
def plot(data): figures.append(Figure(data))
`

func TestPNG(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "matplotlib"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "matplotlib", "__init__.py"), nil, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "matplotlib", "pyplot.py"), []byte(pyplot), 0o600))
	p := start(t, "PYTHONPATH="+dir)
	assert.Empty(t, p.run("import matplotlib.pyplot as plt").PNG)
	png := func(code string) string {
		data, err := base64.StdEncoding.DecodeString(p.run(code).PNG)
		require.NoError(t, err)
		return string(data)
	}
	assert.Equal(t, "\x89PNG2", png("plt.plot(b'\\x89PNG1'); plt.plot(b'\\x89PNG2')"))
	assert.Empty(t, p.run("plt.show()").Stderr)
	assert.Empty(t, png("1"), "closed after its request")
	assert.Equal(t, "x", png("plt.plot(b'x')\n1/0"), "also when the code fails later")
	assert.Contains(t, p.run("plt.plot('not bytes')").Error, "TypeError")
	assert.Empty(t, png("1"))
}

func TestRealMatplotlib(t *testing.T) {
	t.Parallel()
	p := start(t)
	if p.run("import matplotlib.pyplot as plt").Error != "" {
		t.Skip("matplotlib is not installed")
	}
	result := p.run("plt.plot([1, 2, 3])\nplt.show()")
	require.Empty(t, result.Error+result.Stderr)
	data, err := base64.StdEncoding.DecodeString(result.PNG)
	require.NoError(t, err)
	assert.True(t, bytes.HasPrefix(data, []byte("\x89PNG\r\n")))
}

func TestDecode(t *testing.T) {
	t.Parallel()
	frame := func(body string) []byte {
		return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
	}
	good := frame(`{"text":"1","stdout":"o","stderr":"e","error":"","html":"h","png":"p","new":1}`)
	got, err := kernel.Decode(iotest.OneByteReader(bytes.NewReader(good)))
	require.NoError(t, err)
	ok := true
	assert.Equal(t, wire.KernelResult{Text: "1", Stdout: "o", Stderr: "e", HTML: "h", PNG: "p", OK: &ok}, got)
	got, err = kernel.Decode(bytes.NewReader(frame(`{"error":"E"}`)))
	require.NoError(t, err)
	assert.False(t, *got.OK)
	_, err = kernel.Decode(bytes.NewReader(nil))
	assert.Equal(t, io.EOF, err)
	for n := 1; n < len(good); n++ {
		_, err = kernel.Decode(bytes.NewReader(good[:n]))
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, "%d bytes", n)
	}
	_, err = kernel.Decode(strings.NewReader("\xff\xff\xff\xff"))
	assert.ErrorContains(t, err, "too long")
	_, err = kernel.Decode(strings.NewReader("\x3f\xff\xff\xffx")) // promises 1 GiB, has one byte
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
	_, err = kernel.Decode(bytes.NewReader(frame("no json")))
	assert.ErrorContains(t, err, "the kernel's answer")
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x02{}"))
	f.Add([]byte("\x00\x00\x00\x0f{\"error\":\"\\ud8\"}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		result, err := kernel.Decode(bytes.NewReader(data))
		if err == nil {
			require.Equal(t, result.Error == "", *result.OK)
		}
	})
}
