package main

import (
	"fmt"
	"slices"
	"time"
)

// A row is one comparison: ours against the least that could do the work, or
// against another client.
type row struct {
	name, against string
	rounds        int
	ours, bare    func() (float64, error) // the cost of one operation
	unit          unit
	compare       comparison
	target        float64
}

// A comparison is how a row's two costs become the number that has a target.
type comparison int

const (
	times      comparison = iota // ours by bare, at most
	perSecond                    // bare by ours: as rates; at least
	more                         // ours less bare, at most
	fasterThan                   // bare by ours, more than
)

type unit int

const (
	nanoseconds unit = iota
	mebibytes
	pieces
)

const tableLine = "%-48s %-38s %10s %10s %8s   %-9s %s\n"

func printHead() {
	fmt.Printf(tableLine, "work", "against", "ours", "other", "ratio", "target", "")
}

// measure runs both in each round, in turns first, compares them within the
// round, where the machine is as busy for both, and prints medians.
func (r row) measure() (met bool, err error) {
	var ours, bare, values []float64
	for round := range r.rounds + 1 {
		o, b, err := r.round(round%2 == 0)
		if err != nil {
			return false, err
		}
		if round > 0 { // the first is for warming up
			ours, bare, values = append(ours, o), append(bare, b), append(values, r.compared(o, b))
		}
	}
	return r.print(median(ours), median(bare), median(values)), nil
}

func (r row) round(oursFirst bool) (ours, bare float64, err error) {
	if oursFirst {
		ours, err = r.ours()
	}
	if err == nil {
		bare, err = r.bare()
	}
	if err == nil && !oursFirst {
		ours, err = r.ours()
	}
	return ours, bare, err
}

func (r row) compared(ours, bare float64) float64 {
	switch r.compare {
	case perSecond, fasterThan:
		return bare / ours
	case more:
		return ours - bare
	}
	return ours / bare
}

func (r row) print(ours, bare, value float64) (met bool) {
	sign := "≤"
	if r.compare == perSecond || r.compare == fasterThan {
		sign = "≥"
	}
	met = value <= r.target
	if sign == "≥" {
		met = value >= r.target
	}
	word := "missed"
	if met {
		word = "met"
	}
	fmt.Printf(tableLine, r.name, r.against, r.unit.text(ours), r.unit.text(bare), r.value(value), sign+" "+r.value(r.target), word)
	return met
}

// value is a ratio or a difference as the table shows it.
func (r row) value(v float64) string {
	switch {
	case r.compare == more && r.unit == mebibytes:
		return fmt.Sprintf("%+.0f MiB", v)
	case r.compare == more:
		return fmt.Sprintf("%+.0f", v)
	}
	return fmt.Sprintf("%.2f×", v)
}

func (u unit) text(v float64) string {
	switch u {
	case mebibytes:
		return fmt.Sprintf("%.1f MiB", v)
	case pieces:
		return fmt.Sprintf("%.0f", v)
	}
	d := time.Duration(v)
	if d > time.Millisecond {
		return d.Round(10 * time.Microsecond).String()
	}
	return d.String()
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}

// timed is the time that one of n operations takes.
func timed(n int, work func() error) func() (float64, error) {
	return func() (float64, error) {
		start := time.Now()
		err := work()
		return float64(time.Since(start)) / float64(n), err
	}
}

// timedEach repeats an operation n times.
func timedEach(n int, work func() error) func() (float64, error) {
	return timed(n, func() error {
		for range n {
			if err := work(); err != nil {
				return err
			}
		}
		return nil
	})
}

// none is the other side of a row whose target is about ours alone.
func none() (float64, error) { return 0, nil }
