package main

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/openai/openai-go/v3/packages/ssestream"
	gosse "github.com/tmaxmax/go-sse"

	"github.com/sandflare/sandflare-go/internal/sse"
)

// peerRows decode the stream of small events against other decoders. Those get
// our JSON fast path, without which they would spend most of their time in encoding/json.
func (b *bench) peerRows() ([]row, error) {
	stream := b.smallEvents()
	ours := timed(stream.events, func() error { return b.decode(stream) })
	rows := []row{
		{name: smallEventsRow, against: "openai-go's decoder", rounds: b.size(5, 3), compare: fasterThan, target: 1, ours: ours,
			bare: timed(stream.events, func() error { return stream.read(readByOpenAI) })},
		{name: smallEventsRow, against: "tmaxmax/go-sse", rounds: b.size(5, 3), compare: fasterThan, target: 1, ours: ours,
			bare: timed(stream.events, func() error { return stream.read(readByGoSSE) })},
	}
	python, err := pythonClient(b.ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: without the Python SDK:", err)
		return rows, nil
	}
	fewer := b.record(b.size(30_000, 10_000), "step 123456 of the work is done")
	return append(rows, row{
		name: smallEventsRow, against: "Python SDK 2.1.16", rounds: 3, compare: fasterThan, target: 20, ours: ours,
		bare: func() (float64, error) { return readByPython(b.ctx, python, fewer) },
	}), nil
}

func readByOpenAI(resp *http.Response) (n int, err error) {
	decoder := ssestream.NewDecoder(resp)
	for decoder.Next() {
		if event := decoder.Event(); event.Type == "stdout" {
			line, _ := sse.DecodeLine(event.Data[:len(event.Data)-1]) // it ends data with a newline
			n += len(line)
		}
	}
	return n, decoder.Err()
}

func readByGoSSE(resp *http.Response) (n int, err error) {
	for event, err := range gosse.Read(resp.Body, nil) {
		if err != nil {
			return n, err
		}
		if event.Type == "stdout" {
			line, _ := sse.DecodeLine([]byte(event.Data))
			n += len(line)
		}
	}
	return n, nil
}

//go:embed stream.py
var pythonProgram string

// readByPython has the other SDK read the stream and say what one event took.
func readByPython(ctx context.Context, python string, stream recording) (float64, error) {
	cmd := exec.CommandContext(ctx, python, "-c", pythonProgram, stream.url)
	cmd.Env = append(os.Environ(), "SANDFLARE_API_KEY=key")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("python: %w", err)
	}
	var events, bytes int
	var seconds float64
	if _, err := fmt.Sscan(string(out), &events, &bytes, &seconds); err != nil {
		return 0, fmt.Errorf("python: %w in %s", err, strconv.Quote(string(out)))
	}
	return seconds * 1e9 / float64(events), stream.check(bytes)
}

// pythonClient returns a Python that has the SDK: of make interop's folder, else of our own.
func pythonClient(ctx context.Context) (string, error) {
	const version = "2.1.16"
	root, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", err
	}
	top := filepath.Join(filepath.Dir(strings.TrimSpace(string(root))), "..", "..")
	for _, dir := range []string{".venv-interop", ".venv-bench"} {
		python := filepath.Join(top, dir, version, "bin", "python")
		if exec.CommandContext(ctx, python, "-c", "import sandflare").Run() == nil {
			return python, nil
		}
	}
	venv := filepath.Join(top, ".venv-bench", version)
	if text, err := exec.CommandContext(ctx, "python3", "-m", "venv", "--clear", venv).CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, text)
	}
	python := filepath.Join(venv, "bin", "python")
	text, err := exec.CommandContext(ctx, python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "sandflare=="+version).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, text)
	}
	return python, nil
}
