//go:build linux || darwin

package guest

import (
	"sync"
	"syscall"
)

// reaper waits for every child, also for orphans that the kernel hands to the
// guest, and tells those who wait. Forking goes through it, so that no exit is
// seen before its waiter is known.
type reaper struct {
	mu      sync.Mutex
	more    *sync.Cond
	forks   int
	waiting map[int]func(syscall.WaitStatus)
}

func newReaper() *reaper {
	r := &reaper{waiting: map[int]func(syscall.WaitStatus){}}
	r.more = sync.NewCond(&r.mu)
	return r
}

// fork starts a program. With the reaper's lock still held, started is told the
// process id; exited is called once, when the process has ended.
func (r *reaper) fork(path string, args []string, attr *syscall.ProcAttr, started func(pid int), exited func(syscall.WaitStatus)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	pid, err := syscall.ForkExec(path, args, attr)
	if err != nil {
		return err
	}
	started(pid)
	r.waiting[pid] = exited
	r.forks++
	r.more.Signal()
	return nil
}

// run has a thread of its own, blocked in wait4: the shortest way from an exit to its answer.
func (r *reaper) run() {
	for {
		r.mu.Lock()
		seen := r.forks
		r.mu.Unlock()
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		if err == syscall.ECHILD {
			r.idle(seen)
			continue
		}
		if err == nil && (status.Exited() || status.Signaled()) {
			r.dispatch(pid, status)
		}
	}
}

// idle waits for the next fork: without children there are no orphans either.
func (r *reaper) idle(seen int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.forks == seen {
		r.more.Wait()
	}
}

func (r *reaper) dispatch(pid int, status syscall.WaitStatus) {
	r.mu.Lock()
	exited := r.waiting[pid]
	delete(r.waiting, pid)
	r.mu.Unlock()
	if exited != nil {
		exited(status)
	}
}
