package main

import (
	"bytes"
	"flag"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/leaks"
	"github.com/sandflare/sandflare-go/sandflaretest"
)

var fetch = flag.Bool("fetch", false, "let pip fetch matplotlib from its registry if it is missing")

// TestMain lets the test binary be the program, so that tests run it whole.
func TestMain(m *testing.M) {
	if os.Getenv("EXAMPLE_MAIN") != "" {
		main()
		return
	}
	os.Exit(leaks.Run(m.Run))
}

// program runs the program on a Sandflare that has Python, and returns what it printed.
func program(t *testing.T, args ...string) string {
	t.Helper()
	server := sandflaretest.Start(t)
	sb, err := server.Client().CreateSandbox(t.Context(), nil)
	require.NoError(t, err)
	result, err := sb.Exec(t.Context(), "command -v python3", nil)
	require.NoError(t, err)
	if !result.OK() {
		t.Skip("the sandbox has no python3")
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(append(os.Environ(), server.Env()...), "EXAMPLE_MAIN=1")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

func TestStatePersists(t *testing.T) {
	t.Parallel()
	out := program(t, "-o", filepath.Join(t.TempDir(), "plot.png"))
	assert.Contains(t, out, "8 rows\n(0, 11.2)\nmean 14.7 °C, warmest at 15:00\n")
	assert.Regexp(t, `(?m)^(no plot: matplotlib is not in this sandbox; .*|plot saved to .*)\n\z`, out)
}

func TestPlot(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "plot.png")
	args := []string{"-o", file}
	if *fetch {
		args = append(args, "-install")
	}
	out := program(t, args...)
	data, err := os.ReadFile(file)
	if err != nil {
		require.Contains(t, out, "no plot: ")
		t.Skip("run with -fetch to have matplotlib: ", out)
	}
	picture, err := png.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	size := picture.Bounds().Size()
	assert.InDelta(t, 600, size.X, 80, "6 inches at 100 dpi, less the margin")
	assert.InDelta(t, 400, size.Y, 60)

	var red, white int
	for x := range size.X {
		for y := range size.Y {
			switch c := color.NRGBAModel.Convert(picture.At(x, y)).(color.NRGBA); {
			case c.R > 180 && c.G < 80 && c.B < 80:
				red++
			case c.R > 250 && c.G > 250 && c.B > 250:
				white++
			}
		}
	}
	assert.Greater(t, red, 500, "the line")
	assert.Less(t, red, size.X*size.Y/10)
	assert.Greater(t, white, size.X*size.Y/2, "the ground")
}
