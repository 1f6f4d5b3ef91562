// Package guest runs the inside of a sandbox: the same binary, started again
// as a guest (pid 1 of new namespaces, or a plain child in the process tier),
// and the handle by which the local Sandflare drives it.
//
// Neither tier is a security boundary against hostile code: the kernel is shared.
package guest

import (
	"errors"
	"os"
	"time"
)

// ErrEnded means that the sandbox's guest is gone.
var ErrEnded = errors.New("guest: the sandbox has ended")

// Tier is how far a sandbox is kept apart from its host.
type Tier string

const (
	Namespace   Tier = "namespace" // Linux: own file tree, processes, ipc, host name
	ProcessTier Tier = "process"   // own folders only
)

// Support says which tier works here, found by really starting a guest.
type Support struct {
	Tier   Tier
	Reason string // why not the better one, or what is missing in it; empty when it is the best
	Mend   string // the command that mends it; empty when nothing is to mend
}

// Spec is what a guest is started with.
type Spec struct {
	Name    string            // sandbox name; its host name
	Tier    Tier              // see Probe
	Dir     string            // private folder on the host, made by the caller, the sandbox's own until Close
	Shared  string            // private folder on the host shared by all guests of one server (prepared /etc and the like)
	From    string            // saved tree (see Save) to begin with; "" = a fresh one
	Volumes map[string]string // mount path in the sandbox → folder on the host
	Env     []string          // environment every command begins with
}

// Command is one program to run.
type Command struct {
	Args    []string      // Args[0] is looked up in PATH inside
	Dir     string        // "" = /home/user; missing: exit code 1 and a line on stderr, as a shell's failed cd
	Env     []string      // added to Spec.Env
	Timeout time.Duration // 0 = none; then the whole tree is killed and the exit code is 124
	Stdin   *os.File      // nil = nothing to read
}

// Exit is how a command ended: its code, 128+n after a signal, 127 not found, 126 not executable, 124 timed out.
type Exit struct {
	Code     int
	TimedOut bool
}

// Entry is one row of ReadDir; symbolic links are described by what they lead to, where that exists.
type Entry struct {
	Name    string
	IsDir   bool
	Size    int64
	ModTime time.Time
}

// ProcessInfo is one process as seen inside.
type ProcessInfo struct {
	PID      int
	Command  string
	CPUTime  time.Duration // used so far
	Started  time.Time
	RSSBytes int64
}
