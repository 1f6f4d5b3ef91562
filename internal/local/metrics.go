package local

import (
	"errors"
	"sync"
	"syscall"
	"time"

	"github.com/sandflare/sandflare-go/internal/local/guest"
	"github.com/sandflare/sandflare-go/internal/wire"
)

// cpuUsage is the load since the last look.
type cpuUsage struct {
	mu   sync.Mutex
	at   time.Time
	used time.Duration
}

// percent takes the CPU time used until now, of as many CPUs.
func (u *cpuUsage) percent(used time.Duration, now, begin time.Time, cpus int) float64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.at.IsZero() {
		u.at = begin
	}
	spent, passed := used-u.used, now.Sub(u.at)
	u.at, u.used = now, used
	if passed <= 0 || spent < 0 { // a process that ended takes its time with it
		return 0
	}
	return min(100, 100*spent.Seconds()/passed.Seconds()/float64(cpus))
}

func (sb *sandbox) metrics() (wire.MetricsReport, error) {
	list, err := sb.guest.Processes()
	if err != nil {
		return wire.MetricsReport{}, err
	}
	disk, err := sb.guest.Usage()
	if err != nil {
		return wire.MetricsReport{}, err
	}
	var used time.Duration
	var memory int64
	for _, proc := range list {
		used += proc.CPUTime
		memory += proc.RSSBytes
	}
	sz, now := sizes[sb.spec.Size], time.Now()
	return wire.MetricsReport{
		SandboxID: sb.name, Status: sb.status(), CPUCount: sz.vcpus,
		CPUUsedPct: sb.usage.percent(used, now, sb.began, sz.vcpus),
		MemTotal:   int64(sz.memoryMB) << 20, MemUsed: memory,
		DiskTotal: int64(sz.rootGB) << 30, DiskUsed: disk,
		TS: wire.UnixTime{Time: now},
	}, nil
}

// processes lists what runs, each value under both names that clients read.
func (sb *sandbox) processes() ([]wire.Process, error) {
	list, err := sb.guest.Processes()
	if err != nil {
		return nil, err
	}
	out := make([]wire.Process, len(list))
	for i, proc := range list {
		out[i] = sb.process(proc)
	}
	return out, nil
}

func (sb *sandbox) process(proc guest.ProcessInfo) wire.Process {
	var cpu float64
	if lived := time.Since(proc.Started); lived > 0 {
		cpu = 100 * proc.CPUTime.Seconds() / lived.Seconds()
	}
	total := float64(sizes[sb.spec.Size].memoryMB)
	mb := float64(proc.RSSBytes) / (1 << 20)
	return wire.Process{
		PID: proc.PID, Command: proc.Command, Cmd: proc.Command,
		CPUPercent: cpu, CPUPct: cpu, MemoryPercent: 100 * mb / total, MemMB: mb,
	}
}

// kill ends one process of the sandbox. Its first one, and groups, are refused.
func (sb *sandbox) kill(pid int) error {
	if pid <= 1 {
		return badRequest("pid is %d: use that of a process of the sandbox", pid)
	}
	err := sb.guest.Kill(pid)
	if errors.Is(err, syscall.ESRCH) {
		return notFound("there is no process %d in sandbox %s", pid, sb.name)
	}
	return err
}
