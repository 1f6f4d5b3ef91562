package wire

import (
	"net/url"
	"strings"
)

// Class says what sending a call twice would do, and so when it may be retried.
type Class int

const (
	Read     Class = iota // changes nothing
	Converge              // ends in the same state however often it is sent
	Effect                // each arrival has an effect of its own: sent again only when provably not run
)

// Route is one call of the API. Path holds {placeholders}, as [net/http.ServeMux] reads them.
type Route struct {
	Op, Method, Path string
	Class            Class
}

// The calls of the API, by the operation names that logs, journals and faults use.
var (
	SandboxCreate    = Route{"sandbox.create", "POST", "/sandboxes", Effect}
	SandboxGet       = Route{"sandbox.get", "GET", "/sandboxes/{id}", Read}
	SandboxList      = Route{"sandbox.list", "GET", "/sandboxes", Read}
	SandboxDelete    = Route{"sandbox.delete", "DELETE", "/sandboxes/{id}", Converge}
	SandboxPause     = Route{"sandbox.pause", "POST", "/sandboxes/{id}/pause", Converge}
	SandboxResume    = Route{"sandbox.resume", "POST", "/sandboxes/{id}/resume", Converge}
	SandboxFork      = Route{"sandbox.fork", "POST", "/sandboxes/{id}/fork", Effect}
	SandboxKeepAlive = Route{"sandbox.keep_alive", "POST", "/sandboxes/{id}/timeout", Converge}
	SandboxHealth    = Route{"sandbox.health", "GET", "/sandboxes/{id}/health", Read}
	SandboxLogs      = Route{"sandbox.logs", "GET", "/sandboxes/{id}/logs", Read}

	Exec       = Route{"sandbox.exec", "POST", "/sandboxes/{id}/exec", Effect}
	ExecStream = Route{"sandbox.exec_stream", "GET", "/sandboxes/{id}/exec/stream", Effect}
	RunPython  = Route{"sandbox.run_python", "POST", "/sandboxes/{id}/run/python", Effect}
	RunNode    = Route{"sandbox.run_node", "POST", "/sandboxes/{id}/run/node", Effect}
	RunCode    = Route{"sandbox.run_code", "POST", "/sandboxes/{id}/run/kernel", Effect}
	Install    = Route{"sandbox.install", "POST", "/sandboxes/{id}/install", Effect}
	GitClone   = Route{"sandbox.git_clone", "POST", "/sandboxes/{id}/git/clone", Effect}

	Metrics     = Route{"sandbox.metrics", "GET", "/sandboxes/{id}/metrics", Read}
	Processes   = Route{"sandbox.processes", "GET", "/sandboxes/{id}/agent/processes", Read}
	KillProcess = Route{"sandbox.kill_process", "DELETE", "/sandboxes/{id}/processes/{pid}", Effect}

	EnvGet = Route{"env.get", "GET", "/sandboxes/{id}/agent/envs", Read}
	EnvSet = Route{"env.set", "POST", "/sandboxes/{id}/agent/envs", Converge}

	FileRead  = Route{"file.read", "GET", "/sandboxes/{id}/files", Read}
	FileWrite = Route{"file.write", "POST", "/sandboxes/{id}/files", Converge}
	FileList  = Route{"file.list", "GET", "/sandboxes/{id}/ls", Read}

	SnapshotCreate      = Route{"snapshot.create", "POST", "/sandboxes/{id}/snapshot", Effect}
	SnapshotList        = Route{"snapshot.list", "GET", "/snapshots", Read}
	SnapshotDelete      = Route{"snapshot.delete", "DELETE", "/snapshots/{id}", Converge}
	AutoSnapshotEnable  = Route{"autosnapshot.enable", "POST", "/sandboxes/{id}/auto-snapshot", Converge}
	AutoSnapshotDisable = Route{"autosnapshot.disable", "DELETE", "/sandboxes/{id}/auto-snapshot", Converge}

	TemplateBuild  = Route{"template.build", "POST", "/templates/build", Effect}
	TemplateStatus = Route{"template.status", "GET", "/templates/{id}/build-status", Read}
	TemplateList   = Route{"template.list", "GET", "/templates", Read}
	TemplateDelete = Route{"template.delete", "DELETE", "/templates/{id}", Converge}

	VolumeCreate = Route{"volume.create", "POST", "/volumes", Effect}
	VolumeGet    = Route{"volume.get", "GET", "/volumes/{id}", Read}
	VolumeList   = Route{"volume.list", "GET", "/volumes", Read}
	VolumeDelete = Route{"volume.delete", "DELETE", "/volumes/{id}", Converge}

	// Memory of one sandbox.
	SandboxMemoryAdd       = Route{"memory.add", "POST", "/sandboxes/{id}/memory", Effect}
	SandboxMemoryBatch     = Route{"memory.batch", "POST", "/sandboxes/{id}/memory/batch", Effect}
	SandboxMemoryList      = Route{"memory.list", "GET", "/sandboxes/{id}/memory", Read}
	SandboxMemoryDelete    = Route{"memory.delete", "DELETE", "/sandboxes/{id}/memory/{memory}", Converge}
	SandboxMemoryDeleteAll = Route{"memory.delete_all", "DELETE", "/sandboxes/{id}/memory", Converge}

	// Memory of the user; feedback is given here for both levels.
	UserMemoryAdd       = Route{"memory.add", "POST", "/memory", Effect}
	UserMemoryBatch     = Route{"memory.batch", "POST", "/memory/batch", Effect}
	UserMemoryList      = Route{"memory.list", "GET", "/memory", Read}
	UserMemoryDelete    = Route{"memory.delete", "DELETE", "/memory/{memory}", Converge}
	UserMemoryDeleteAll = Route{"memory.delete_all", "DELETE", "/memory", Converge}
	MemoryFeedback      = Route{"memory.feedback", "POST", "/memory/{memory}/feedback", Converge}

	// A search is a list with a query; it has a name of its own in logs and faults.
	SandboxMemorySearch = Route{"memory.search", "GET", "/sandboxes/{id}/memory", Read}
	UserMemorySearch    = Route{"memory.search", "GET", "/memory", Read}
)

// Fill returns the route's escaped path with its placeholders replaced, in
// order, by the given segments. The caller has checked that each is one plain
// path segment: "." and ".." pass through unescaped.
func (r Route) Fill(segments ...string) string {
	var filled strings.Builder
	filled.Grow(2 * len(r.Path))
	head, rest, more := strings.Cut(r.Path, "{")
	for more {
		filled.WriteString(head)
		filled.WriteString(url.PathEscape(segments[0]))
		segments = segments[1:]
		_, rest, _ = strings.Cut(rest, "}")
		head, rest, more = strings.Cut(rest, "{")
	}
	filled.WriteString(head)
	return filled.String()
}
