//go:build linux

package guest_test

import (
	"io"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/local/guest"
)

func benchStart(b *testing.B, shared string) (*guest.Guest, string) {
	dir := folder(b)
	g, err := guest.Start(b.Context(), guest.Spec{Name: "sb-bench", Tier: guest.Namespace, Dir: dir, Shared: shared})
	require.NoError(b, err)
	return g, dir
}

func benchExec(b *testing.B, g *guest.Guest) {
	p, err := g.Exec(b.Context(), guest.Command{Args: []string{"bash", "-c", "true"}})
	require.NoError(b, err)
	io.Copy(io.Discard, p.Stdout)
	p.Stdout.Close()
	p.Stderr.Close()
	exit, err := p.Wait()
	require.NoError(b, err)
	require.Zero(b, exit.Code)
}

func BenchmarkCreate(b *testing.B) {
	shared := folder(b)
	first, dir := benchStart(b, shared) // makes what the others share
	first.Close()
	guest.RemoveAll(dir)
	for b.Loop() {
		g, dir := benchStart(b, shared)
		benchExec(b, g)
		b.StopTimer()
		g.Close()
		guest.RemoveAll(dir)
		b.StartTimer()
	}
}

func BenchmarkClose(b *testing.B) {
	shared := folder(b)
	for b.Loop() {
		b.StopTimer()
		g, dir := benchStart(b, shared)
		benchExec(b, g)
		b.StartTimer()
		g.Close()
		b.StopTimer()
		guest.RemoveAll(dir)
		b.StartTimer()
	}
}

func BenchmarkExec(b *testing.B) {
	g, dir := benchStart(b, folder(b))
	defer guest.RemoveAll(dir)
	defer g.Close()
	for b.Loop() {
		benchExec(b, g)
	}
}

func BenchmarkBareBash(b *testing.B) {
	for b.Loop() {
		require.NoError(b, exec.Command("bash", "-c", "true").Run())
	}
}

func BenchmarkBareUnshare(b *testing.B) {
	for b.Loop() {
		require.NoError(b, exec.Command("unshare", "-Urmpfiu", "--mount-proc", "bash", "-c", "true").Run())
	}
}
