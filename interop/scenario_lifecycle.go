package main

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/sandflare/sandflare-go"
)

func (s *scenario) lifecycle() {
	s.pauseAndDelete()
	s.snapshots()
	s.autoResume()
	s.autoSnapshots()
	s.timeToLive()
	s.volumes()
	s.fork()
}

func (s *scenario) statuses(label string) []sandflare.Status {
	list, err := s.client.ListSandboxes(s.ctx, &sandflare.ListOptions{Label: label})
	if err != nil {
		return []sandflare.Status{sandflare.Status(s.failure(err))}
	}
	found := []sandflare.Status{}
	for _, sb := range list {
		found = append(found, sb.Info().Status)
	}
	return found
}

func (s *scenario) text(sb *sandflare.Sandbox, path string) any {
	data, err := sb.ReadFile(s.ctx, path)
	return s.attempt(string(data), err)
}

func (s *scenario) stdout(sb *sandflare.Sandbox, command string) any {
	r, err := sb.Exec(s.ctx, command, nil)
	if err != nil {
		return s.failure(err)
	}
	return r.Stdout
}

func (s *scenario) pauseAndDelete() {
	s.heading = "Lifecycle"
	sb := s.labelled("life")
	_ = sb.WriteFile(s.ctx, "/home/user/kept", []byte("kept"))
	s.step("pause", func() (any, error) {
		err := sb.Pause(s.ctx)
		return s.statuses("life"), err
	})
	s.step("exec while paused", func() (any, error) { return fine(sb.Exec(s.ctx, "true", nil)) })
	s.step("resume", func() (any, error) {
		err := sb.Resume(s.ctx)
		return []any{s.statuses("life")[0], s.text(sb, "/home/user/kept")}, err
	})
	s.step("processes go on", func() (any, error) {
		_, err := sb.Exec(s.ctx, "(sleep 1; echo on >/home/user/on) >/dev/null 2>&1 &", nil)
		if err = errors.Join(err, sb.Pause(s.ctx), sb.Resume(s.ctx)); err != nil {
			return nil, err
		}
		return exitCode(sb.Exec(s.ctx, "for i in 1 2 3 4 5 6 7 8 9 10; do test -e on && exit 0; sleep 0.5; done; exit 9", nil))
	})
	s.step("delete", func() (any, error) {
		if err := sb.Delete(s.ctx); err != nil {
			return nil, err
		}
		_, err := s.client.GetSandbox(s.ctx, sb.Name())
		return s.attempt("still there", err), nil
	})
	s.step("delete twice", func() (any, error) { return nil, sb.Delete(s.ctx) })
	s.step("close twice", func() (any, error) {
		box := s.labelled("closed")
		return []any{box.Close(), box.Close()}, nil
	})
}

// named lists snapshots by the names that the scenario gave them.
func named(list []sandflare.Snapshot, err error) (any, error) {
	names := []string{}
	for _, snap := range list {
		if !strings.HasPrefix(snap.Name, "snap") {
			names = append(names, snap.Name)
		}
	}
	slices.Sort(names)
	return names, err
}

func (s *scenario) snapshots() {
	s.heading = "Snapshots"
	sb := s.create(&sandflare.CreateOptions{Label: "origin", Env: map[string]string{"KEPT": "env"}})
	_ = sb.WriteFile(s.ctx, "/home/user/file", []byte("before"))
	var made sandflare.Snapshot
	s.step("create", func() (any, error) {
		snap, err := sb.CreateSnapshot(s.ctx, &sandflare.CreateSnapshotOptions{
			Name: "after-data-load", Description: "Dataset v2 loaded", Tags: []string{"prod", "v2"},
		})
		if err != nil {
			return nil, err
		}
		made = *snap
		return []any{snap.Name, snap.Description, snap.Tags, snap.Status, snap.AutoCreated,
			snap.SandboxName == sb.Name(), snap.ID != "", !snap.CreatedAt.IsZero()}, nil
	})
	s.step("the sandbox runs on", func() (any, error) {
		return []any{s.stdout(sb, "echo after >file; cat file"), sb.Info().Status}, nil
	})
	restored := func() (any, error) {
		box, err := s.client.CreateSandbox(s.ctx, &sandflare.CreateOptions{Label: "fork", SnapshotID: made.ID})
		if err != nil {
			return nil, err
		}
		defer box.Close()
		return []any{s.text(box, "/home/user/file"), s.stdout(box, "echo $KEPT")}, nil
	}
	s.step("restore", restored)
	s.step("snapshot() without a name", func() (any, error) {
		snap, err := sb.CreateSnapshot(s.ctx, nil)
		if err != nil {
			return nil, err
		}
		return snap.Status, nil
	})
	other := s.labelled("other")
	_, _ = other.CreateSnapshot(s.ctx, &sandflare.CreateSnapshotOptions{Name: "of another"})
	s.step("list_snapshots of a sandbox", func() (any, error) { return named(sb.ListSnapshots(s.ctx)) })
	s.step("list_all_snapshots", func() (any, error) { return named(s.client.ListSnapshots(s.ctx, nil)) })
	s.step("list_all_snapshots of a sandbox", func() (any, error) {
		return named(s.client.ListSnapshots(s.ctx, &sandflare.ListSnapshotsOptions{SandboxName: sb.Name()}))
	})
	s.step("list_all_snapshots: size and forks", func() (any, error) {
		list, err := s.client.ListSnapshots(s.ctx, nil)
		found := []any{}
		for _, snap := range list {
			if snap.Name == "after-data-load" {
				found = append(found, []any{snap.SizeMB >= 0, snap.ForkCount})
			}
		}
		return found, err
	})
	_, _ = sb.Close(), other.Close()
	s.step("outlives its sandbox", restored)
	s.step("delete", func() (any, error) {
		if err := s.client.DeleteSnapshot(s.ctx, made.ID); err != nil {
			return nil, err
		}
		left, err := named(s.client.ListSnapshots(s.ctx, nil))
		return []any{true, left}, err
	})
	s.step("delete: not there", func() (any, error) { return nil, s.client.DeleteSnapshot(s.ctx, made.ID) })
}

func (s *scenario) autoResume() {
	s.heading = "Pause → auto-resume"
	s.step("get resumes", func() (any, error) {
		sb := s.labelled("sleeper")
		defer sb.Close()
		err := errors.Join(sb.WriteFile(s.ctx, "/home/user/state", []byte("preserved")), sb.Pause(s.ctx))
		if err != nil {
			return nil, err
		}
		again, err := s.client.GetSandbox(s.ctx, sb.Name())
		if err != nil {
			return nil, err
		}
		return []any{again.Info().Status, s.text(again, "/home/user/state"), s.stdout(again, "echo awake")}, nil
	})
}

func (s *scenario) countAuto(sb *sandflare.Sandbox) int {
	list, err := sb.ListSnapshots(s.ctx)
	if err != nil {
		return -1
	}
	n := 0
	for _, snap := range list {
		if snap.AutoCreated {
			n++
		}
	}
	return n
}

// eventually waits for a value that is made in the background.
func eventually(call func() int, want int) int {
	for range 100 {
		if call() == want {
			return want
		}
		time.Sleep(100 * time.Millisecond)
	}
	return call()
}

func (s *scenario) autoSnapshots() {
	s.heading = "Auto-snapshots"
	sb := s.labelled("auto")
	defer sb.Close()
	count := func() int { return s.countAuto(sb) }
	s.step("enable", func() (any, error) {
		return []any{"enabled", true, 15}, sb.EnableAutoSnapshot(s.ctx, 15*time.Minute)
	})
	s.step("one after 15 minutes", func() (any, error) {
		err := s.advance(15 * time.Minute)
		return eventually(count, 1), err
	})
	s.step("below 5 minutes", func() (any, error) { return nil, sb.EnableAutoSnapshot(s.ctx, 4*time.Minute) })
	s.step("disable: none after", func() (any, error) {
		err := errors.Join(sb.DisableAutoSnapshot(s.ctx), s.advance(40*time.Minute))
		return []any{"disabled", count()}, err
	})
	create := func(interval time.Duration) value {
		return func() (any, error) {
			box, err := s.client.CreateSandbox(s.ctx, &sandflare.CreateOptions{Label: "auto", AutoSnapshotInterval: interval})
			if err != nil {
				return nil, err
			}
			defer box.Close()
			err = s.advance(5 * time.Minute)
			return eventually(func() int { return s.countAuto(box) }, 1), err
		}
	}
	s.step("at create", create(5*time.Minute))
	s.step("at create, below 5 minutes", create(4*time.Minute))
}

func (s *scenario) timeToLive() {
	s.heading = "Time to live"
	s.step("expired is gone", func() (any, error) {
		sb := s.create(&sandflare.CreateOptions{Label: "short", TTL: time.Hour})
		if err := s.advance(59 * time.Minute); err != nil {
			return nil, err
		}
		before, err := s.client.GetSandbox(s.ctx, sb.Name())
		if err = errors.Join(err, s.advance(2*time.Minute)); err != nil {
			return nil, err
		}
		_, err = s.client.GetSandbox(s.ctx, sb.Name())
		return []any{before.Info().Status, s.attempt("still there", err), s.attempt(labels(s.client.ListSandboxes(s.ctx, nil)))}, nil
	})
}
