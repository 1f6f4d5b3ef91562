package local

import (
	"cmp"
	"net/http"
	"time"

	"github.com/sandflare/sandflare-go/internal/wire"
)

// stateRoutes are the calls on what outlives a sandbox.
func (s *Server) stateRoutes() {
	s.onBox(wire.SnapshotCreate, s.createSnapshot)
	s.on(wire.SnapshotList, s.listSnapshots)
	s.on(wire.SnapshotDelete, s.deleteSnapshot)
	s.onBox(wire.AutoSnapshotEnable, s.enableAutoSnapshot)
	s.onBox(wire.AutoSnapshotDisable, s.disableAutoSnapshot)
	s.on(wire.VolumeCreate, s.createVolume)
	s.on(wire.VolumeGet, s.getVolume)
	s.on(wire.VolumeList, s.listVolumes)
	s.on(wire.VolumeDelete, s.deleteVolume)
}

func (s *Server) createSnapshot(w http.ResponseWriter, r *http.Request, sb *sandbox) error {
	var body wire.CreateSnapshot
	if err := decode(r, &body); err != nil {
		return err
	}
	body.Name = cmp.Or(body.Name, body.Label)
	snap, err := s.engine.snapshot(r.Context(), sb, body, false)
	if err != nil {
		return gone(r.Context(), err)
	}
	return reply(w, snap)
}

func (s *Server) listSnapshots(w http.ResponseWriter, r *http.Request) error {
	list := s.engine.snapshots.list(r.URL.Query().Get("sandbox_id"))
	return reply(w, map[string]any{"snapshots": list})
}

func (s *Server) deleteSnapshot(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if err := s.engine.snapshots.remove(id); err != nil {
		return err
	}
	return reply(w, done{Status: "deleted", ID: id})
}

func (s *Server) enableAutoSnapshot(w http.ResponseWriter, r *http.Request, sb *sandbox) error {
	var body wire.AutoSnapshot
	if err := decode(r, &body); err != nil {
		return err
	}
	if err := checkInterval(body.IntervalMins); err != nil {
		return err
	}
	s.engine.autoSnapshot(sb, time.Duration(body.IntervalMins)*time.Minute)
	return reply(w, wire.AutoSnapshot{Status: "enabled", SandboxID: sb.name, IntervalMins: body.IntervalMins})
}

func (s *Server) disableAutoSnapshot(w http.ResponseWriter, _ *http.Request, sb *sandbox) error {
	s.engine.autoSnapshot(sb, 0)
	return reply(w, wire.AutoSnapshot{Status: "disabled", SandboxID: sb.name})
}

func (s *Server) createVolume(w http.ResponseWriter, r *http.Request) error {
	var body wire.CreateVolume
	if err := decode(r, &body); err != nil {
		return err
	}
	vol, err := s.engine.volumes.create(wire.Volume{
		ID: s.engine.ids.next("vol-"), Name: body.Name, SizeGB: body.SizeGB,
		CreatedAt: wire.Time{Time: s.engine.clock.now()},
	})
	if err != nil {
		return err
	}
	return reply(w, vol)
}

func (s *Server) getVolume(w http.ResponseWriter, r *http.Request) error {
	vol, err := s.engine.volumes.get(r.PathValue("id"))
	if err != nil {
		return err
	}
	return reply(w, vol)
}

func (s *Server) listVolumes(w http.ResponseWriter, _ *http.Request) error {
	return reply(w, s.engine.volumes.list())
}

func (s *Server) deleteVolume(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if err := s.engine.volumes.remove(id); err != nil {
		return err
	}
	return reply(w, done{Status: "deleted", ID: id})
}
