package main

import (
	"errors"
	"slices"
	"time"

	"github.com/sandflare/sandflare-go"
)

func (s *scenario) volumes() {
	s.heading = "Volumes"
	vol := &sandflare.Volume{}
	s.step("create", func() (any, error) {
		made, err := s.client.CreateVolume(s.ctx, "my-data", &sandflare.CreateVolumeOptions{SizeGB: 50})
		if err != nil {
			return nil, err
		}
		vol = made
		return []any{vol.Name, vol.SizeGB, vol.Status, vol.ID != "", !vol.CreatedAt.IsZero()}, nil
	})
	s.step("default size", func() (any, error) {
		small, err := s.client.CreateVolume(s.ctx, "small-data", nil)
		if err != nil {
			return nil, err
		}
		return small.SizeGB, nil
	})
	s.step("create: name taken", func() (any, error) { return s.client.CreateVolume(s.ctx, "my-data", nil) })
	s.step("get by name", func() (any, error) {
		found, err := s.client.GetVolume(s.ctx, "my-data")
		return err == nil && found.ID == vol.ID, err
	})
	s.step("get by id", func() (any, error) {
		found, err := s.client.GetVolume(s.ctx, vol.ID)
		if err != nil {
			return nil, err
		}
		return found.Name, nil
	})
	s.step("get: not there", func() (any, error) { return s.client.GetVolume(s.ctx, "none") })
	s.step("list", func() (any, error) {
		list, err := s.client.ListVolumes(s.ctx)
		rows := [][]any{}
		for _, v := range list {
			rows = append(rows, []any{v.Name, v.SizeGB})
		}
		slices.SortFunc(rows, func(a, b []any) int { return b[1].(int) - a[1].(int) })
		return rows, err
	})
	s.step("outlives sandboxes; in use it stays", func() (any, error) {
		sb := s.create(&sandflare.CreateOptions{Label: "writer", Volumes: map[string]string{"/home/user/data": vol.ID}})
		if err := errors.Join(sb.WriteFile(s.ctx, "/home/user/data/deep/file", []byte("persistent")), sb.Close()); err != nil {
			return nil, err
		}
		sb = s.create(&sandflare.CreateOptions{Label: "reader", Volumes: map[string]string{"/home/user/other": vol.ID}})
		defer sb.Close()
		return []any{
			s.text(sb, "/home/user/other/deep/file"), s.stdout(sb, "cat /home/user/other/deep/file"),
			s.attempt(nil, s.client.DeleteVolume(s.ctx, vol.ID)),
		}, nil
	})
	s.step("mounted anywhere", func() (any, error) {
		sb, err := s.client.CreateSandbox(s.ctx, &sandflare.CreateOptions{Volumes: map[string]string{"/mnt/deep/data": vol.ID}})
		if err != nil {
			return nil, err
		}
		defer sb.Close()
		return s.stdout(sb, "cat /mnt/deep/data/deep/file"), nil
	})
	s.step("delete", func() (any, error) {
		if err := s.client.DeleteVolume(s.ctx, vol.ID); err != nil {
			return nil, err
		}
		_, gone := s.client.GetVolume(s.ctx, "my-data")
		list, err := s.client.ListVolumes(s.ctx)
		names := []string{}
		for _, v := range list {
			names = append(names, v.Name)
		}
		return []any{s.attempt("still there", gone), names}, err
	})
}

func (s *scenario) fork() {
	s.heading = "Fork, keep alive"
	sb := s.create(&sandflare.CreateOptions{Label: "parent", Metadata: map[string]string{"k": "v"}})
	_ = sb.WriteFile(s.ctx, "/home/user/file", []byte("shared"))
	s.step("fork", func() (any, error) {
		forks, err := sb.Fork(s.ctx, 2)
		if err != nil || len(forks) != 2 {
			return forks, err
		}
		err = forks[0].WriteFile(s.ctx, "/home/user/file", []byte("changed"))
		parents := true
		for _, box := range forks {
			parents = parents && box.Info().Metadata["fork_parent_id"] == sb.Name()
			defer box.Close()
		}
		return []any{len(forks), s.text(forks[0], "/home/user/file"), s.text(forks[1], "/home/user/file"), s.text(sb, "/home/user/file"), parents}, err
	})
	s.step("fork: 0", func() (any, error) { return sb.Fork(s.ctx, 0) })
	s.step("fork: 9", func() (any, error) { return sb.Fork(s.ctx, 9) })
	_ = sb.Close()
	box := s.create(&sandflare.CreateOptions{Label: "kept", TTL: time.Hour})
	defer box.Close()
	s.step("keep_alive", func() (any, error) {
		err := errors.Join(box.KeepAlive(s.ctx, 3*time.Hour), s.advance(150*time.Minute))
		if err != nil {
			return nil, err
		}
		again, err := s.client.GetSandbox(s.ctx, box.Name())
		if err != nil {
			return nil, err
		}
		return again.Info().Status, nil
	})
	s.step("keep_alive: more than a day", func() (any, error) { return nil, box.KeepAlive(s.ctx, 24*time.Hour+time.Second) })
}
