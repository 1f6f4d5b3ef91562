package local

import (
	"math"
	"slices"
	"sync"
	"time"
)

// clock is the time by which sandboxes expire and snapshots are taken. It runs
// like the machine's and can be moved ahead.
type clock struct {
	running sync.Mutex // held while events run: one at a time, in order

	mu     sync.Mutex // guards the fields below
	ahead  time.Duration
	events []*event // by time
	timer  *time.Timer
	over   bool
}

// event is something to be done at a time.
type event struct {
	at time.Time
	do func()
}

func newClock() *clock {
	c := &clock{}
	c.timer = time.AfterFunc(time.Hour, c.runDue)
	return c
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nowLocked()
}

func (c *clock) nowLocked() time.Time { return time.Now().Add(c.ahead).UTC() }

// schedule has do called at a time, once, unless it is cancelled before.
func (c *clock) schedule(at time.Time, do func()) *event {
	ev := &event{at: at, do: do}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return ev
	}
	i, _ := slices.BinarySearchFunc(c.events, at, func(e *event, at time.Time) int { return e.at.Compare(at) })
	c.events = slices.Insert(c.events, i, ev)
	c.rearm()
	return ev
}

// cancel takes an event back; nil and past events are fine.
func (c *clock) cancel(ev *event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events = slices.DeleteFunc(c.events, func(e *event) bool { return e == ev })
}

// advance moves the clock ahead and returns when everything that was due has been done.
func (c *clock) advance(d time.Duration) {
	c.running.Lock()
	defer c.running.Unlock()
	target := c.now().Add(d)
	c.runUntil(target)
	c.moveTo(target)
}

func (c *clock) runDue() {
	c.running.Lock()
	defer c.running.Unlock()
	c.runUntil(c.now())
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rearm()
}

// runUntil runs each event at its own time: a repeated one sees every step.
func (c *clock) runUntil(target time.Time) {
	for {
		c.mu.Lock()
		if len(c.events) == 0 || c.events[0].at.After(target) {
			c.mu.Unlock()
			return
		}
		ev := c.events[0]
		c.events = c.events[1:]
		c.mu.Unlock()
		c.moveTo(ev.at)
		ev.do()
	}
}

// moveTo never moves back, and ahead as far as a duration goes.
func (c *clock) moveTo(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += min(max(0, t.Sub(c.nowLocked())), math.MaxInt64-c.ahead)
	c.rearm()
}

func (c *clock) rearm() {
	if len(c.events) > 0 {
		c.timer.Reset(max(0, c.events[0].at.Sub(c.nowLocked())))
	}
}

// stop drops all events and waits for a running one.
func (c *clock) stop() {
	c.mu.Lock()
	c.events, c.over = nil, true
	c.timer.Stop()
	c.mu.Unlock()
	c.running.Lock()
	defer c.running.Unlock()
}
