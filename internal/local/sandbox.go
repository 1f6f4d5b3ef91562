package local

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sandflare/sandflare-go/internal/local/guest"
	"github.com/sandflare/sandflare-go/internal/wire"
)

// The states of a sandbox.
const (
	ready   = "ready"
	paused  = "paused"
	stopped = "stopped" // its processes ended by themselves
)

// size is what a sandbox of a name is given. Nothing enforces it here.
type size struct{ vcpus, memoryMB, rootGB int }

var sizes = map[string]size{
	"nano":   {1, 512, 5},
	"small":  {1, 1024, 10},
	"medium": {2, 2048, 20},
	"large":  {4, 4096, 40},
	"xl":     {4, 8192, 80},
}

const maxTTLHours = 24 * 365

// sandbox is one of them, running.
type sandbox struct {
	name, dir string
	tier      guest.Tier
	seq       int
	created   time.Time          // by the clock that tests move
	began     time.Time          // by the machine's
	spec      wire.CreateSandbox // as asked for; read only
	guest     *guest.Guest
	logs      *logRing
	kernels   kernels
	memory    *memory
	workdir   string // where a command that names no folder begins; empty: home
	usage     cpuUsage

	// gate is held shared while a command starts or a file is opened, and
	// alone while the processes are stopped or set going.
	gate   sync.RWMutex
	paused atomic.Bool

	mu      sync.Mutex // guards the fields below
	gone    bool       // removed: no timer is set any more
	env     map[string]string
	expires time.Time // zero: never
	expiry  *event
	auto    *event
}

// create starts a sandbox as asked for.
func (e *engine) create(ctx context.Context, req wire.CreateSandbox) (*sandbox, error) {
	if err := checkCreate(&req); err != nil {
		return nil, err
	}
	free, err := e.reserve(1)
	if err != nil {
		return nil, err
	}
	defer free()
	base, err := e.base(req)
	if err != nil {
		return nil, err
	}
	defer base.release()
	base.env = merged(base.env, req.EnvVars)
	return e.start(ctx, req, base)
}

func checkCreate(req *wire.CreateSandbox) error {
	if req.Size == "" {
		req.Size = "nano"
	}
	switch _, known := sizes[req.Size]; {
	case !known:
		return badRequest("there is no size %q: use nano, small, medium, large or xl", req.Size)
	case req.TTLHours < 0 || req.TTLHours > maxTTLHours:
		return badRequest("ttl_hours is %d: use 1 to %d, or 0 for none", req.TTLHours, maxTTLHours)
	case req.AutoSnapshotIntervalMins != 0:
		if err := checkInterval(req.AutoSnapshotIntervalMins); err != nil {
			return err
		}
	}
	return checkEnv(req.EnvVars)
}

// base is what a sandbox begins with.
type base struct {
	tree    string // saved files; empty: fresh ones
	env     map[string]string
	workdir string // where a command that names no folder begins; empty: home
	user    string // of a template: for RUN in templates made from it
	release func()
}

func freshBase() base { return base{release: func() {}} }

func (e *engine) base(req wire.CreateSandbox) (base, error) {
	if req.SnapshotID != "" {
		return e.snapshots.use(req.SnapshotID)
	}
	if req.TemplateID != "" {
		return e.templates.base(req.TemplateID)
	}
	return freshBase(), nil
}

// start starts a guest and makes the sandbox visible.
func (e *engine) start(ctx context.Context, req wire.CreateSandbox, from base) (*sandbox, error) {
	sb := &sandbox{
		name: e.ids.next("sb-"), tier: e.support.Tier, created: e.clock.now(), began: time.Now(), spec: req, logs: newLogRing(),
		env: from.env, workdir: from.workdir, memory: newMemory(),
	}
	sb.dir = filepath.Join(e.boxes, sb.name)
	mounts, err := e.volumes.attach(sb.name, e.support.Tier, req.Volumes)
	if err != nil {
		return nil, err
	}
	if err := e.startGuest(ctx, sb, from.tree, mounts); err != nil {
		e.volumes.release(sb.name)
		return nil, errors.Join(err, guest.RemoveAll(sb.dir))
	}
	if err := e.enter(sb); err != nil {
		return nil, errors.Join(err, e.discard(sb))
	}
	e.setTimers(sb)
	return sb, nil
}

func (e *engine) startGuest(ctx context.Context, sb *sandbox, tree string, mounts map[string]string) (err error) {
	if err := os.Mkdir(sb.dir, 0o700); err != nil {
		return err
	}
	sb.guest, err = guest.Start(ctx, guest.Spec{
		Name: sb.name, Tier: e.support.Tier, Dir: sb.dir, Shared: e.shared,
		From: tree, Volumes: mounts, Env: e.env,
	})
	return err
}

// environment is what SetEnv and create gave.
func (sb *sandbox) environment() map[string]string {
	sb.mu.Lock()
	defer sb.mu.Unlock()
	return maps.Clone(sb.env)
}

func (sb *sandbox) setEnv(env map[string]string) error {
	if err := checkEnv(env); err != nil {
		return err
	}
	sb.mu.Lock()
	defer sb.mu.Unlock()
	sb.env = merged(sb.env, env)
	return nil
}

// merged is a new map, never nil, in which the later values win.
func merged(all ...map[string]string) map[string]string {
	sum := map[string]string{}
	for _, env := range all {
		maps.Copy(sum, env)
	}
	return sum
}

// wire describes the sandbox. Ports are the host's, so there is no preview URL.
func (sb *sandbox) wire() wire.Sandbox {
	sz := sizes[sb.spec.Size]
	state := sb.status()
	sb.mu.Lock()
	defer sb.mu.Unlock()
	return wire.Sandbox{
		Name: sb.name, SandboxID: sb.name, ID: sb.name, Status: state,
		Size: sb.spec.Size, Tier: sb.spec.Size, Label: sb.spec.Label, IP: "127.0.0.1",
		MemoryMB: sz.memoryMB, VCPUs: sz.vcpus, RootGB: sz.rootGB,
		Template: sb.spec.TemplateID, TemplateID: sb.spec.TemplateID,
		Metadata: merged(sb.spec.Metadata), Ephemeral: sb.spec.Ephemeral,
		TTLHours: float64(sb.spec.TTLHours), ExpiresAt: wire.Time{Time: sb.expires}, CreatedAt: wire.Time{Time: sb.created},
	}
}

// matches reports whether the sandbox has the label, if one is asked for, and
// all of the metadata.
func (sb *sandbox) matches(label string, metadata map[string]string) bool {
	if label != "" && sb.spec.Label != label {
		return false
	}
	for key, value := range metadata {
		if have, ok := sb.spec.Metadata[key]; !ok || have != value {
			return false
		}
	}
	return true
}

// inHome is a path of the sandbox as an absolute one.
func inHome(path string) string {
	if strings.HasPrefix(path, "/") {
		return filepath.Clean(path)
	}
	return filepath.Join(home, path)
}
