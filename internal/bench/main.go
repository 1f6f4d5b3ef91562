// Bench prints what the SDK and the local Sandflare cost, as ratios against the
// least that could do the same work, measured side by side in one run.
//
//	make bench
//
// Times vary from machine to machine and from minute to minute; the ratios are
// what counts. Each row alternates between the two and compares medians.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"slices"
	"time"
)

// A row is one comparison: ours against the least that could do the work.
type row struct {
	name    string
	against string
	target  string
	rounds  int
	ours    func() error
	bare    func() error
	perCall int  // operations in one call of ours and bare
	rate    bool // compare operations per second, else time
}

func main() {
	log.SetFlags(0)
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	bench := &bench{ctx: ctx}
	defer bench.close()
	rows, err := bench.rows()
	if err != nil {
		return err
	}
	fmt.Printf("%-42s %-38s %10s %10s %7s   %s\n", "work", "against", "ours", "bare", "ratio", "target")
	for _, r := range rows {
		if err := r.measure(); err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
	}
	return nil
}

// measure alternates between both and prints medians.
func (r row) measure() error {
	var ours, bare []time.Duration
	for round := range r.rounds + 1 {
		o, err := timed(r.ours)
		if err != nil {
			return err
		}
		b, err := timed(r.bare)
		if err != nil {
			return err
		}
		if round > 0 { // the first is for warming up
			ours, bare = append(ours, o), append(bare, b)
		}
	}
	o, b := median(ours)/time.Duration(r.perCall), median(bare)/time.Duration(r.perCall)
	ratio := float64(o) / float64(b)
	if r.rate {
		ratio = 1 / ratio
	}
	fmt.Printf("%-42s %-38s %10v %10v %6.2f×   %s\n", r.name, r.against, rounded(o), rounded(b), ratio, r.target)
	return nil
}

func timed(work func() error) (time.Duration, error) {
	start := time.Now()
	err := work()
	return time.Since(start), err
}

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}

func rounded(d time.Duration) time.Duration {
	if d > time.Millisecond {
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(time.Nanosecond)
}

// times repeats a piece of work.
func times(n int, work func() error) func() error {
	return func() error {
		for range n {
			if err := work(); err != nil {
				return err
			}
		}
		return nil
	}
}

// bench holds what the rows work with.
type bench struct {
	ctx     context.Context
	closers []func()
}

func (b *bench) onClose(f func()) { b.closers = append(b.closers, f) }

func (b *bench) close() {
	for _, f := range slices.Backward(b.closers) {
		f()
	}
}

func (b *bench) rows() ([]row, error) {
	execs, err := b.execRows()
	if err != nil {
		return nil, err
	}
	syncs, err := b.syncRows()
	if err != nil {
		return nil, err
	}
	return slices.Concat(b.streamRows(), b.callRows(), execs, syncs), nil
}

// tempDir is an empty folder, removed at the end.
func (b *bench) tempDir() (string, error) {
	dir, err := os.MkdirTemp("", "sandflare-bench-")
	b.onClose(func() { os.RemoveAll(dir) })
	return dir, err
}
