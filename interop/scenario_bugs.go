package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sandflare/sandflare-go"
)

const mark = "echo ran >>/home/user/ran; echo out"

func (s *scenario) bugs() {
	sb := s.labelled("bugs")
	defer sb.Close()
	s.lostAnswers(sb)
	s.brokenStreams(sb)
	s.streamMethod(sb)
	s.oddAnswers(sb)
	s.otherBugs(sb)
}

// through is the same sandbox, behind a door.
func (s *scenario) through(sb *sandflare.Sandbox, fault string) *sandflare.Sandbox {
	return s.at(fault).Sandbox(sb.Name())
}

// counted is what a call that runs mark gives, and how often it ran.
func (s *scenario) counted(sb *sandflare.Sandbox, call value) value {
	return func() (any, error) {
		seen := s.attempt(call())
		r, err := sb.Exec(s.ctx, "cat ran 2>/dev/null | wc -l; rm -f ran", nil)
		if err != nil {
			return nil, err
		}
		times, err := strconv.Atoi(strings.TrimSpace(r.Stdout))
		return []any{seen, times}, err
	}
}

func (s *scenario) lostAnswers(sb *sandflare.Sandbox) {
	s.heading = "Lost answers"
	exec := func(fault string) value {
		return s.counted(sb, func() (any, error) { return fine(s.through(sb, fault).Exec(s.ctx, mark, nil)) })
	}
	s.step("exec: answer lost", exec("lost"))
	s.step("exec: 502 after the work", exec("gateway"))
	s.step("run_python: answer lost", s.counted(sb, func() (any, error) {
		return fine(s.through(sb, "lost").RunPython(s.ctx, "open('/home/user/ran', 'a').write('ran\\n')", nil))
	}))
	s.step("exec: 503 while booting", exec("unavailable"))
	create := func(fault, label string) value {
		return func() (any, error) {
			var seen any
			sb, err := s.at(fault).CreateSandbox(s.ctx, &sandflare.CreateOptions{Label: label})
			if err == nil {
				seen = sb.Info().Label
			} else {
				seen = s.failure(err)
			}
			made, err := s.client.ListSandboxes(s.ctx, &sandflare.ListOptions{Label: label})
			for _, box := range made {
				_ = box.Close()
			}
			return []any{seen, len(made)}, err
		}
	}
	s.step("create: answer lost", create("lost", "twin lost"))
	s.step("create: 502 after the work", create("gateway", "twin gateway"))
	s.step("create_snapshot: answer lost, how many", func() (any, error) {
		_, err := s.through(sb, "lost").CreateSnapshot(s.ctx, &sandflare.CreateSnapshotOptions{Name: "twin"})
		if !errors.Is(err, sandflare.ErrOutcomeUnknown) {
			return nil, fmt.Errorf("not ErrOutcomeUnknown: %w", err)
		}
		list, err := s.client.ListSnapshots(s.ctx, nil)
		n := 0
		for _, snap := range list {
			if snap.Name == "twin" {
				n++
			}
		}
		return n, err
	})
}

// seen lists the events of a stream, and the error that ends it.
func (s *scenario) seen(sb *sandflare.Sandbox, command string, timeout time.Duration, see func(sandflare.ExecEvent) any) []any {
	found := []any{}
	for event, err := range sb.ExecStream(s.ctx, command, &sandflare.ExecOptions{Timeout: timeout}) {
		if err != nil {
			return append(found, s.failure(err))
		}
		found = append(found, see(event))
	}
	return found
}

func typeAndCode(e sandflare.ExecEvent) any {
	if e.Type == sandflare.EventDone {
		return []any{e.Type, e.ExitCode}
	}
	return []any{e.Type, nil}
}

func typeOnly(e sandflare.ExecEvent) any { return e.Type }

func (s *scenario) brokenStreams(sb *sandflare.Sandbox) {
	s.heading = "Broken streams"
	seen := func(fault string) value {
		return func() (any, error) {
			return s.seen(s.through(sb, fault), "echo a; echo b; exit 3", 0, typeAndCode), nil
		}
	}
	s.step("whole", seen("plain"))
	s.step("ends before done", seen("early end"))
	s.step("connection cut", seen("cut"))
	s.step("CRLF", seen("crlf"))
	s.step("data on several lines: exit code", func() (any, error) {
		done, err := last(seen("two lines")())
		if pair, ok := done.([]any); ok {
			return pair[1], err
		}
		return done, err
	})
	s.step("data on several lines: text", func() (any, error) {
		return s.seen(s.through(sb, "two lines"), "echo a", 0, func(e sandflare.ExecEvent) any { return e.Data })[0], nil
	})
	s.step("silence", s.counted(sb, func() (any, error) { return s.seen(s.through(sb, "silent"), mark, 0, typeOnly), nil }))
	s.step("HTTP error", func() (any, error) { return s.seen(s.ghost(), "true", 0, typeOnly)[0], nil })
}

func (s *scenario) streamMethod(sb *sandflare.Sandbox) {
	s.heading = "stream()"
	s.step("live", func() (any, error) {
		const command = "cd /home/user && rm -f go; echo first; until test -e go; do sleep 0.05; done"
		return last(s.seen(s.through(sb, "plain"), command, 2*time.Second, func(e sandflare.ExecEvent) any {
			if e.Type == sandflare.EventStdout {
				_ = sb.WriteFile(s.ctx, "/home/user/go", nil)
			}
			return e.ExitCode
		}), nil)
	})
	s.step("events", func() (any, error) {
		return s.seen(s.through(sb, "plain"), "echo a; sleep 0.2; echo b >&2; exit 3", 0, func(e sandflare.ExecEvent) any {
			if e.Type == sandflare.EventDone {
				return []any{e.Type, "", e.ExitCode}
			}
			return []any{e.Type, e.Data, nil}
		}), nil
	})
	s.step("silence", s.counted(sb, func() (any, error) { return s.seen(s.through(sb, "silent"), mark+" again", 0, typeOnly), nil }))
	s.step("key sent in clear text", func() (any, error) {
		var n, m int
		err := errors.Join(s.fetch("GET", s.doors["plain"]+seenPath, nil, &n), s.fetch("GET", s.doors["silent"]+seenPath, nil, &m))
		return n+m > 0, err
	})
	s.step("on a TLS server", func() (any, error) {
		seen := s.seen(sb, "echo over tls", 0, typeOnly)
		var journal struct {
			Requests []struct{ Operation string }
		}
		if err := s.local("GET", "/_local/requests", nil, &journal); err != nil {
			return nil, err
		}
		return []any{seen, journal.Requests[len(journal.Requests)-1].Operation}, nil
	})
}

func (s *scenario) oddAnswers(sb *sandflare.Sandbox) {
	s.heading = "Odd answers"
	_ = sb.WriteFile(s.ctx, "/home/user/seen/user", nil)
	list := func(fault string) value {
		return func() (any, error) {
			found, err := s.at(fault).ListSandboxes(s.ctx, nil)
			return len(found), err
		}
	}
	s.step("exec without ok", func() (any, error) {
		box := s.through(sb, "no ok")
		return []any{s.attempt(fine(box.Exec(s.ctx, "true", nil))), s.attempt(fine(box.Exec(s.ctx, "false", nil)))}, nil
	})
	s.step("list as an object", list("wrapped"))
	s.step("ls as an object", func() (any, error) {
		found, err := s.through(sb, "wrapped").ReadDir(s.ctx, "/home/user/seen")
		names := []string{}
		for _, e := range found {
			names = append(names, e.Name)
		}
		return names, err
	})
	s.step("snapshots as a list", func() (any, error) {
		found, err := s.at("wrapped").ListSnapshots(s.ctx, nil)
		return len(found) > 0, err
	})
	s.step("volumes as an object", func() (any, error) {
		found, err := s.at("wrapped").ListVolumes(s.ctx)
		return len(found) > 0, err
	})
	s.step("page of the edge", list("edge"))
	s.step("server error", list("broken"))
	broken := s.through(sb, "broken")
	s.step("delete: server error", func() (any, error) { return nil, broken.Delete(s.ctx) })
	s.step("disable_auto_snapshot: server error", func() (any, error) { return nil, broken.DisableAutoSnapshot(s.ctx) })
	s.step("write_file: server error", func() (any, error) { return nil, broken.WriteFile(s.ctx, "/tmp/x", []byte("x")) })
}

func (s *scenario) otherBugs(sb *sandflare.Sandbox) {
	s.heading = "Other bugs"
	s.step("get_processes: type", func() (any, error) {
		if _, err := sb.Exec(s.ctx, "sleep 77 >/dev/null 2>&1 &", nil); err != nil {
			return nil, err
		}
		found, err := sb.Processes(s.ctx)
		if err != nil || len(found) == 0 {
			return nil, err
		}
		return "ProcessInfo", nil
	})
	s.step("directory that is not there, env given", func() (any, error) {
		return fine(sb.Exec(s.ctx, "pwd", &sandflare.ExecOptions{Dir: "/no/such", Env: map[string]string{"A": "b"}}))
	})
	s.step("get_logs(stream=True)", func() (any, error) {
		box := s.labelled("logs")
		defer box.Close()
		if _, err := box.Exec(s.ctx, "echo line", nil); err != nil {
			return nil, err
		}
		lines, err := box.Logs(s.ctx)
		if slices.Contains(lines, "line") {
			return "returns", err
		}
		return lines, err
	})
}
