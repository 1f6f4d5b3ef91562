package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/sandflare/sandflare-go/internal/local/guest"
	"github.com/sandflare/sandflare-go/internal/wire"
)

// snapshot is the files of a sandbox at one moment; it outlives the sandbox.
type snapshot struct {
	copying sync.RWMutex // held shared while its files are copied

	record snapshotRecord // guarded by snapshots.mu
}

type snapshotRecord struct {
	wire.Snapshot
	Env     map[string]string `json:"env"`
	Workdir string            `json:"workdir,omitempty"`
}

type snapshots struct {
	store *store
	mu    sync.Mutex
	all   map[string]*snapshot
}

func openSnapshots(dir string, durable bool) (*snapshots, error) {
	store, err := openStore(dir, durable)
	if err != nil {
		return nil, err
	}
	s := &snapshots{store: store, all: map[string]*snapshot{}}
	return s, store.load(func(id string, data []byte) error {
		snap := &snapshot{}
		s.all[id] = snap
		return json.Unmarshal(data, &snap.record)
	})
}

// list returns the snapshots of one sandbox, or all of them, newest first.
func (s *snapshots) list(sandbox string) []wire.Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []wire.Snapshot{}
	for _, snap := range s.all {
		if sandbox == "" || snap.record.SandboxID == sandbox {
			list = append(list, snap.record.Snapshot)
		}
	}
	slices.SortFunc(list, func(a, b wire.Snapshot) int { return b.CreatedAt.Compare(a.CreatedAt.Time) })
	return list
}

// use gives a snapshot's files to a new sandbox; they stay until release.
func (s *snapshots) use(id string) (base, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	snap := s.all[id]
	if snap == nil || !snap.copying.TryRLock() {
		return base{}, notFound("there is no snapshot %q", id)
	}
	next := snap.record
	next.ForkCount++
	if err := s.store.update(id, next); err != nil {
		snap.copying.RUnlock()
		return base{}, err
	}
	snap.record = next
	return base{tree: s.store.tree(id), env: merged(next.Env), workdir: next.Workdir, release: snap.copying.RUnlock}, nil
}

func (s *snapshots) remove(id string) error {
	s.mu.Lock()
	snap := s.all[id]
	delete(s.all, id)
	s.mu.Unlock()
	if snap == nil {
		return notFound("there is no snapshot %q", id)
	}
	snap.copying.Lock()
	defer snap.copying.Unlock()
	return s.store.remove(id)
}

// snapshot copies a sandbox's files; its processes stand still meanwhile and go on after.
func (e *engine) snapshot(ctx context.Context, sb *sandbox, req wire.CreateSnapshot, auto bool) (wire.Snapshot, error) {
	snap := &snapshot{record: snapshotRecord{Env: sb.environment(), Workdir: sb.workdir, Snapshot: wire.Snapshot{
		Name: req.Name, Description: req.Description, Tags: append([]string{}, req.Tags...),
		Status: ready, SandboxID: sb.name, ParentSnapshotID: sb.spec.SnapshotID,
		AutoCreated: auto, CreatedAt: wire.Time{Time: e.clock.now()},
	}}}
	rec := &snap.record
	rec.ID = e.ids.next("snap-")
	rec.SnapshotID = rec.ID
	if rec.Name == "" {
		rec.Name = rec.ID
	}
	err := e.snapshots.store.add(rec.ID, rec, func(tree string) error {
		used, err := sb.save(ctx, tree)
		rec.SizeMB = float64(used) / (1 << 20)
		return err
	})
	if err != nil {
		return wire.Snapshot{}, err
	}
	e.snapshots.mu.Lock()
	defer e.snapshots.mu.Unlock()
	e.snapshots.all[rec.ID] = snap
	return rec.Snapshot, nil
}

// save copies the files of a sandbox that stands still, and tells their size.
func (sb *sandbox) save(ctx context.Context, tree string) (size int64, err error) {
	sb.gate.Lock()
	defer sb.gate.Unlock()
	switch sb.status() {
	case stopped:
		return 0, sb.isStopped()
	case ready:
		if err := sb.guest.Pause(); err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, sb.guest.Resume()) }()
	}
	if size, err = sb.guest.Usage(); err == nil {
		err = sb.guest.Save(ctx, tree)
	}
	return size, err
}

const (
	minInterval = 5 // minutes
	maxInterval = 30 * 24 * 60
	keptAutos   = 24 // of each sandbox; older ones make room
)

func checkInterval(minutes int) error {
	if minutes < minInterval || minutes > maxInterval {
		return badRequest("the auto-snapshot interval is %d minutes: use %d to %d", minutes, minInterval, maxInterval)
	}
	return nil
}

// autoSnapshot has snapshots taken at each interval from now on; 0 ends it.
func (e *engine) autoSnapshot(sb *sandbox, interval time.Duration) {
	sb.mu.Lock()
	defer sb.mu.Unlock()
	e.clock.cancel(sb.auto)
	sb.auto = nil
	if interval > 0 && !sb.gone {
		e.nextAuto(sb, interval, e.clock.now().Add(interval))
	}
}

// nextAuto is called with sb.mu held.
func (e *engine) nextAuto(sb *sandbox, interval time.Duration, at time.Time) {
	var ev *event
	ev = e.clock.schedule(at, func() {
		e.takeAuto(sb)
		sb.mu.Lock()
		defer sb.mu.Unlock()
		if sb.auto == ev && !sb.gone {
			e.nextAuto(sb, interval, at.Add(interval))
		}
	})
	sb.auto = ev
}

func (e *engine) takeAuto(sb *sandbox) {
	name := "auto-" + e.clock.now().Format("20060102-150405")
	if _, err := e.snapshot(e.ctx, sb, wire.CreateSnapshot{Name: name}, true); err != nil {
		sb.logs.append([]string{"auto-snapshot failed: " + err.Error()})
	}
	kept := 0
	for _, snap := range e.snapshots.list(sb.name) {
		if snap.AutoCreated {
			kept++
		}
		if snap.AutoCreated && kept > keptAutos {
			_ = e.snapshots.remove(snap.ID) // gone is gone
		}
	}
}

const maxForks = 8

// fork starts n sandboxes with the files and the environment that a sandbox
// has now; all of them or none.
func (e *engine) fork(ctx context.Context, sb *sandbox, n int) (forks []*sandbox, err error) {
	if n < 1 || n > maxForks {
		return nil, badRequest("n is %d: use 1 to %d", n, maxForks)
	}
	free, err := e.reserve(n)
	if err != nil {
		return nil, err
	}
	defer free()
	tree := filepath.Join(e.boxes, e.ids.next(".fork-"))
	if err := os.Mkdir(tree, 0o700); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, guest.RemoveAll(tree)) }()
	if _, err = sb.save(ctx, tree); err != nil {
		return nil, err
	}
	for range n {
		fork, err := e.start(ctx, forkSpec(sb), base{tree: tree, env: sb.environment(), workdir: sb.workdir})
		if err != nil {
			for _, made := range forks {
				err = errors.Join(err, e.remove(made.name))
			}
			return nil, fmt.Errorf("fork: %w", err)
		}
		forks = append(forks, fork)
	}
	return forks, nil
}

// forkSpec is the parent's own, without what tells its creation apart.
func forkSpec(sb *sandbox) wire.CreateSandbox {
	spec := sb.spec
	spec.Metadata = merged(spec.Metadata, map[string]string{wire.ForkParentKey: sb.name})
	delete(spec.Metadata, wire.RequestIDKey)
	return spec
}
