package main

import (
	"fmt"
	"strings"

	"github.com/sandflare/sandflare-go"
)

func (s *scenario) surroundings() {
	s.heading = "Environment, logs, health"
	sb := s.create(&sandflare.CreateOptions{Label: "env", Env: map[string]string{"A": "1"}})
	defer sb.Close()
	s.step("set_env merges, commands see it", func() (any, error) {
		if err := sb.SetEnv(s.ctx, map[string]string{"B": "two words", "A": "2"}); err != nil {
			return nil, err
		}
		env, err := sb.Env(s.ctx)
		if err != nil {
			return nil, err
		}
		r, err := sb.Exec(s.ctx, `echo "$A,$B"`, nil)
		return []any{env["A"], env["B"], r.Stdout}, err
	})
	s.step("set_env: no name", func() (any, error) { return nil, sb.SetEnv(s.ctx, map[string]string{"a=b": "x"}) })
	s.step("health", func() (any, error) { return []any{true}, sb.Health(s.ctx) })
	s.step("health: not there", func() (any, error) { return nil, s.ghost().Health(s.ctx) })
	s.step("logs: command and output", func() (any, error) {
		if _, err := sb.Exec(s.ctx, "echo hello; echo err >&2", nil); err != nil {
			return nil, err
		}
		lines, err := sb.Logs(s.ctx)
		text := "\n" + strings.Join(lines, "\n") + "\n"
		return []any{strings.Contains(text, "\nhello\n"), strings.Contains(text, "\nerr\n"), strings.Contains(text, "echo hello")}, err
	})
}

// A process that lasts, seen when the command returns; and a wait for its end.
const (
	sleeper     = "sleep 1234 >/dev/null 2>&1 & until pgrep -f '^sleep 1234' >/dev/null; do sleep 0.05; done"
	sleeperGone = "for i in $(seq 50); do pgrep -f '^sleep 1234' >/dev/null || exit 0; sleep 0.1; done; exit 9"
)

func (s *scenario) processes() {
	s.heading = "Metrics & processes"
	sb := s.labelled("busy")
	defer sb.Close()
	_, _ = sb.Exec(s.ctx, sleeper, nil)
	s.step("metrics", func() (any, error) {
		m, err := sb.Metrics(s.ctx)
		if err != nil {
			return nil, err
		}
		return []any{m.SandboxName == sb.Name(), m.Status, m.CPUCount, m.MemTotal, m.DiskTotal > 0, m.CPUUsedPct >= 0,
			0 <= m.MemUsed && m.MemUsed <= m.MemTotal, 0 < m.DiskUsed && m.DiskUsed <= m.DiskTotal, m.Time.Unix() > 1600000000}, nil
	})
	find := func() (found []sandflare.Process, err error) {
		list, err := sb.Processes(s.ctx)
		for _, p := range list {
			if strings.HasPrefix(p.Command, "sleep 1234") {
				found = append(found, p)
			}
		}
		if err == nil && len(found) == 0 {
			err = fmt.Errorf("no such process among %v", list)
		}
		return found, err
	}
	s.step("get_processes", func() (any, error) {
		found, err := find()
		return []any{len(found), err == nil && found[0].PID > 1}, err
	})
	s.step("get_processes: p.pid, p.command", func() (any, error) {
		found, err := find()
		return err == nil && found[0].PID > 0 && found[0].Command != "", err
	})
	s.step("kill_process", func() (any, error) {
		found, err := find()
		if err != nil {
			return nil, err
		}
		if err := sb.KillProcess(s.ctx, found[0].PID); err != nil {
			return nil, err
		}
		return exitCode(sb.Exec(s.ctx, sleeperGone, nil))
	})
	kill := func(pid int) value { return func() (any, error) { return nil, sb.KillProcess(s.ctx, pid) } }
	s.step("kill_process: not there", kill(99999))
	s.step("kill_process: 1", kill(1))
	s.step("kill_process: 0", kill(0))
}
