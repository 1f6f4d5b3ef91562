// Bench prints what the SDK and the local Sandflare cost, as ratios against the
// least that could do the same work and against other clients, measured side
// by side in one run.
//
//	make bench
//	BENCH=short make bench	# less of everything, under a minute
//	ROWS=calls make bench	# one group of rows
//
// Times vary from machine to machine and from minute to minute; the ratios are
// what counts: the median of those of several rounds, each of which runs both.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"slices"

	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/internal/local"
)

func main() {
	log.SetFlags(0)
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	b := &bench{ctx: ctx, short: os.Getenv("BENCH") == "short"}
	defer b.close()
	groups := []struct {
		name string
		rows func() ([]row, error)
	}{
		{"stream", b.streamRows}, {"peers", b.peerRows}, {"latency", b.latencyRows}, {"calls", b.callRows}, {"cancel", b.cancelRows},
		{"transfer", b.transferRows}, {"exec", b.execRows}, {"connections", b.connectionRows}, {"memory", b.memoryRows}, {"sync", b.syncRows},
	}
	missed, only := 0, os.Getenv("ROWS")
	printHead()
	for _, group := range groups {
		if only != "" && only != group.name {
			continue
		}
		n, err := b.measure(group.rows)
		if err != nil {
			return err
		}
		missed += n
	}
	fmt.Printf("%d missed\n", missed)
	return nil
}

// measure prints a group of rows, and counts the targets missed.
func (b *bench) measure(group func() ([]row, error)) (missed int, err error) {
	defer b.close()
	rows, err := group()
	if err != nil {
		return 0, err
	}
	for _, r := range rows {
		met, err := r.measure()
		if err != nil {
			return missed, fmt.Errorf("%s: %w", r.name, err)
		}
		if !met {
			missed++
		}
	}
	return missed, nil
}

// bench holds what a group of rows works with.
type bench struct {
	ctx     context.Context
	short   bool
	closers []func()
}

func (b *bench) onClose(f func()) { b.closers = append(b.closers, f) }

func (b *bench) close() {
	for _, f := range slices.Backward(b.closers) {
		f()
	}
	b.closers = nil
}

// size is how much of something to do.
func (b *bench) size(full, short int) int {
	if b.short {
		return short
	}
	return full
}

// tempDir is an empty folder, removed at the end.
func (b *bench) tempDir() (string, error) {
	dir, err := os.MkdirTemp("", "sandflare-bench-")
	b.onClose(func() { os.RemoveAll(dir) })
	return dir, err
}

// localSandflare starts one and returns a client of it.
func (b *bench) localSandflare(config local.Config, opts ...sandflare.Option) (*local.Server, *sandflare.Client, error) {
	server, err := local.Start(b.ctx, config)
	if err != nil {
		return nil, nil, err
	}
	b.onClose(func() { server.Close() })
	opts = append(opts, sandflare.WithAPIKey(server.Key()), sandflare.WithBaseURL(server.URL()))
	client, err := sandflare.NewClient(opts...)
	return server, client, err
}
