package guest

import (
	"slices"
	"time"
)

// What the host asks for; the first field of every request.
const (
	opStart = iota + 1
	opExec
	opOpen
	opCreate
	opReadDir
	opPause
	opResume
	opProcesses
	opKill
	opKillAll
	opUsage
	opSave
)

// Bytes that the host may send while a command or an upload is under way.
const (
	noteCommit = 'c' // uploads; closing without it aborts
	noteSignal = 's' // commands; followed by the signal's number
)

// startRequest is Spec as the guest needs it. Folders travel as paths of the host.
type startRequest struct {
	Name       string
	Tier       Tier
	Dir        string
	Shared     string
	From       string
	IDs        uint64 // how many ids are mapped; 1 for an ordinary user
	Env        []string
	MountPaths []string // volumes, parents first
	MountFrom  []string
	Mark       uint64 // of every process of this sandbox, see mark
}

func newStartRequest(spec Spec, ids int) startRequest {
	r := startRequest{Name: spec.Name, Tier: spec.Tier, Dir: spec.Dir, Shared: spec.Shared, From: spec.From, IDs: uint64(ids), Env: spec.Env}
	for path := range spec.Volumes {
		r.MountPaths = append(r.MountPaths, path)
	}
	slices.Sort(r.MountPaths)
	for _, path := range r.MountPaths {
		r.MountFrom = append(r.MountFrom, spec.Volumes[path])
	}
	return r
}

func (r startRequest) encode() []byte {
	return newEncoder().uint(opStart).string(r.Name).string(string(r.Tier)).string(r.Dir).string(r.Shared).
		string(r.From).uint(r.IDs).strings(r.Env).strings(r.MountPaths).strings(r.MountFrom).uint(r.Mark).frame()
}

func (r *startRequest) decode(d *decoder) error {
	r.Name, r.Tier, r.Dir, r.Shared = d.string(), Tier(d.string()), d.string(), d.string()
	r.From, r.IDs, r.Env = d.string(), d.uint(), d.strings()
	r.MountPaths, r.MountFrom, r.Mark = d.strings(), d.strings(), d.uint()
	if d.err == nil && len(r.MountPaths) != len(r.MountFrom) {
		d.fail()
	}
	return d.done()
}

type execRequest struct {
	Args    []string
	Dir     string
	Env     []string
	Timeout time.Duration
	Stdin   bool // a third descriptor comes along
}

func (r execRequest) encode() []byte {
	return newEncoder().uint(opExec).strings(r.Args).string(r.Dir).strings(r.Env).int(int64(r.Timeout)).bool(r.Stdin).frame()
}

func (r *execRequest) decode(d *decoder) error {
	r.Args, r.Dir, r.Env, r.Timeout, r.Stdin = d.strings(), d.string(), d.strings(), time.Duration(d.int()), d.bool()
	if d.err == nil && len(r.Args) == 0 {
		d.fail()
	}
	return d.done()
}

func encodePath(op uint64, path string) []byte { return newEncoder().uint(op).string(path).frame() }

// trusted is for how many rows memory is taken before they are there.
const trusted = 1024

func encodeEntries(list []Entry) *encoder {
	e := newReply(nil).uint(uint64(len(list)))
	for _, x := range list {
		e.string(x.Name).bool(x.IsDir).int(x.Size).int(x.ModTime.UnixNano())
	}
	return e
}

func decodeEntries(d *decoder) []Entry {
	n := d.uint()
	if n > uint64(len(d.b)) {
		d.fail()
		return nil
	}
	list := make([]Entry, 0, min(n, trusted))
	for ; n > 0 && d.err == nil; n-- {
		list = append(list, Entry{Name: d.string(), IsDir: d.bool(), Size: d.int(), ModTime: time.Unix(0, d.int())})
	}
	return list
}

func encodeProcesses(list []ProcessInfo) *encoder {
	e := newReply(nil).uint(uint64(len(list)))
	for _, p := range list {
		e.int(int64(p.PID)).string(p.Command).int(int64(p.CPUTime)).int(p.Started.UnixNano()).int(p.RSSBytes)
	}
	return e
}

func decodeProcesses(d *decoder) []ProcessInfo {
	n := d.uint()
	if n > uint64(len(d.b)) {
		d.fail()
		return nil
	}
	list := make([]ProcessInfo, 0, min(n, trusted))
	for ; n > 0 && d.err == nil; n-- {
		list = append(list, ProcessInfo{PID: int(d.int()), Command: d.string(), CPUTime: time.Duration(d.int()),
			Started: time.Unix(0, d.int()), RSSBytes: d.int()})
	}
	return list
}
