package sandflare

import (
	"cmp"
	"context"
	"time"

	"github.com/sandflare/sandflare-go/internal/transport"
	"github.com/sandflare/sandflare-go/internal/wire"
)

// Metrics is what a sandbox uses, as GET …/metrics answers.
type Metrics struct {
	SandboxName         string
	Status              Status
	CPUCount            int
	CPUUsedPct          float64 // of all its CPUs, 0 to 100
	MemUsed, MemTotal   int64   // bytes
	DiskUsed, DiskTotal int64   // bytes
	Time                time.Time
}

// Process is a running process, as GET …/agent/processes answers.
type Process struct {
	PID                       int // as seen inside
	Command                   string
	CPUPercent, MemoryPercent float64
}

// Metrics asks what the sandbox uses at the moment (GET …/metrics).
func (s *Sandbox) Metrics(ctx context.Context) (*Metrics, error) {
	var r wire.MetricsReport
	if err := s.call(ctx, "get metrics of", wire.Metrics, nil, into(&r)); err != nil {
		return nil, err
	}
	return &Metrics{
		SandboxName: cmp.Or(r.SandboxID, s.name), Status: Status(r.Status),
		CPUCount: r.CPUCount, CPUUsedPct: r.CPUUsedPct,
		MemUsed: r.MemUsed, MemTotal: r.MemTotal, DiskUsed: r.DiskUsed, DiskTotal: r.DiskTotal,
		Time: r.TS.Time,
	}, nil
}

// Processes lists the sandbox's processes (GET …/agent/processes).
func (s *Sandbox) Processes(ctx context.Context) ([]Process, error) {
	var rows []wire.Process
	if err := s.call(ctx, "list processes of", wire.Processes, nil, intoList(&rows, "processes")); err != nil {
		return nil, err
	}
	return convert(rows, func(r wire.Process) Process {
		return Process{
			PID: r.PID, Command: cmp.Or(r.Command, r.Cmd),
			CPUPercent: cmp.Or(r.CPUPercent, r.CPUPct), MemoryPercent: r.MemoryPercent,
		}
	}), nil
}

// KillProcess sends SIGKILL to a process by its PID as seen inside (DELETE
// …/processes/{pid}). The error Is [ErrNotFound] when there is none. It is
// not sent twice when the answer is lost: the PID may be another's by then.
func (s *Sandbox) KillProcess(ctx context.Context, pid int) error {
	const verb = "kill process in"
	if pid <= 0 {
		return invalid(s.opOrVerb(verb), "the PID %d is not one", pid)
	}
	return s.send(ctx, verb, transport.Request{Route: wire.KillProcess, Segments: []string{itoa(pid)}}, ignored)
}

// Logs returns the newest lines of the sandbox's log, oldest first: each
// command, then its output (GET …/logs). The local Sandflare hides the values
// of [ExecOptions.Env], not what stands in commands.
func (s *Sandbox) Logs(ctx context.Context) ([]string, error) {
	var lines []string
	err := s.call(ctx, "get logs of", wire.SandboxLogs, nil, intoList(&lines, "logs"))
	return lines, err
}

// Health asks whether the sandbox answers (GET …/health); nil means that it does.
func (s *Sandbox) Health(ctx context.Context) error {
	return s.call(ctx, "check health of", wire.SandboxHealth, nil, ignored)
}
