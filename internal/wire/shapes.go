package wire

// RequestIDKey is the metadata key by which a create whose answer was lost is found again.
const RequestIDKey = "sandflare-request-id"

// ForkParentKey is the metadata key that names the sandbox a fork was made from.
const ForkParentKey = "fork_parent_id"

// CreateSandbox is the body of POST /sandboxes. Label, size and ephemeral are always sent.
type CreateSandbox struct {
	Label                    string            `json:"label"`
	Size                     string            `json:"size"`
	Ephemeral                bool              `json:"ephemeral"`
	SnapshotID               string            `json:"snapshot_id,omitempty"`
	TTLHours                 int               `json:"ttl_hours,omitempty"`
	TemplateID               string            `json:"template_id,omitempty"`
	EnvVars                  map[string]string `json:"env_vars,omitempty"`
	Metadata                 map[string]string `json:"metadata,omitempty"`
	AutoSnapshotIntervalMins int               `json:"auto_snapshot_interval_mins,omitempty"`
	Volumes                  map[string]string `json:"volumes,omitempty"`
}

// Sandbox is the sandbox object. Every field may be missing.
type Sandbox struct {
	Name         string            `json:"name"`
	SandboxID    string            `json:"sandbox_id,omitempty"`
	ID           string            `json:"id,omitempty"`
	Status       string            `json:"status"`
	Size         string            `json:"size"`
	Tier         string            `json:"tier,omitempty"`
	Label        string            `json:"label"`
	PreviewURL   string            `json:"preview_url,omitempty"`
	PreviewPort  int               `json:"preview_port,omitempty"`
	Subdomain    string            `json:"subdomain,omitempty"`
	SubdomainURL string            `json:"subdomain_url,omitempty"`
	PublicURL    string            `json:"public_url,omitempty"`
	PanelURL     string            `json:"panel_url,omitempty"`
	AgentURL     string            `json:"agent_url,omitempty"`
	AgentPort    int               `json:"agent_port,omitempty"`
	IP           string            `json:"ip,omitempty"`
	MemoryMB     int               `json:"memory_mb,omitempty"`
	VCPUs        int               `json:"vcpus,omitempty"`
	RootGB       int               `json:"root_gb,omitempty"`
	Template     string            `json:"template,omitempty"`
	TemplateID   string            `json:"template_id,omitempty"`
	Metadata     map[string]string `json:"metadata"`
	Ephemeral    bool              `json:"ephemeral"`
	TTLHours     float64           `json:"ttl_hours,omitempty"`
	ExpiresAt    Time              `json:"expires_at,omitzero"`
	CreatedAt    Time              `json:"created_at,omitzero"`
}

// ExecRequest is the body of POST …/exec. Cwd and Env are the API's own fields.
type ExecRequest struct {
	Cmd     string            `json:"cmd"`
	Timeout int               `json:"timeout,omitempty"` // seconds
	Cwd     string            `json:"cwd,omitempty"`
	Env     map[string]string `json:"env,omitempty"`
}

// ExecResult answers exec, run and install, and ends a stream as its done
// event. A nil ExitCode means that the answer has none.
type ExecResult struct {
	Stdout   string `json:"stdout"`
	Stderr   string `json:"stderr"`
	ExitCode *int   `json:"exit_code"`
	OK       *bool  `json:"ok,omitempty"`
}

// Run is the body of POST …/run/python and …/run/node.
type Run struct {
	Code    string `json:"code"`
	Timeout int    `json:"timeout"` // seconds
}

// RunKernel is the body of POST …/run/kernel.
type RunKernel struct {
	Code      string `json:"code"`
	ContextID string `json:"context_id"`
	Timeout   int    `json:"timeout"` // seconds
}

// KernelResult answers POST …/run/kernel. PNG is base64.
type KernelResult struct {
	Text   string `json:"text"`
	Stdout string `json:"stdout"`
	Stderr string `json:"stderr"`
	PNG    string `json:"png"`
	HTML   string `json:"html"`
	Error  string `json:"error"`
	OK     *bool  `json:"ok,omitempty"`
}

// InstallPackage is the body of POST …/install.
type InstallPackage struct {
	Pkg     string `json:"pkg"`
	Runtime string `json:"runtime"` // apt, pip or npm
}

// Clone is the body of POST …/git/clone. Some clients call Repo "url".
type Clone struct {
	Repo   string `json:"repo"`
	URL    string `json:"url,omitempty"`
	Depth  int    `json:"depth,omitempty"`
	Path   string `json:"path,omitempty"`
	Branch string `json:"branch,omitempty"`
	Token  string `json:"token,omitempty"`
	SSHKey string `json:"ssh_key,omitempty"`
}

// CloneResult answers POST …/git/clone.
type CloneResult struct {
	Path   string `json:"path"`
	Repo   string `json:"repo"`
	Branch string `json:"branch"`
	Output string `json:"output"`
}

// FileEntry is one row of GET …/ls. Type and IsDir say the same in two ways.
type FileEntry struct {
	Name  string   `json:"name"`
	Path  string   `json:"path"`
	Type  string   `json:"type,omitempty"` // file, dir or directory
	IsDir bool     `json:"is_dir"`
	Size  int64    `json:"size"`
	MTime UnixTime `json:"mtime,omitzero"`
}

// KeepAlive is the body of POST …/timeout.
type KeepAlive struct {
	Timeout int `json:"timeout"` // seconds
}

// KeepAliveResult answers POST …/timeout.
type KeepAliveResult struct {
	NewDeadline Time `json:"new_deadline,omitzero"`
}

// Fork is the body of POST …/fork.
type Fork struct {
	N int `json:"n"`
}

// ForkResult answers POST …/fork.
type ForkResult struct {
	Forks []Sandbox `json:"forks"`
}

// Logs answers GET …/logs.
type Logs struct {
	Logs []string `json:"logs"`
}

// CreateSnapshot is the body of POST …/snapshot. Some clients call Name "label".
type CreateSnapshot struct {
	Name        string   `json:"name,omitempty"`
	Label       string   `json:"label,omitempty"`
	Description string   `json:"description,omitempty"`
	Tags        []string `json:"tags,omitempty"`
}

// Snapshot is the snapshot object.
type Snapshot struct {
	SnapshotID       string   `json:"snapshot_id"`
	ID               string   `json:"id,omitempty"`
	Name             string   `json:"name"`
	Description      string   `json:"description"`
	Status           string   `json:"status"`
	SandboxID        string   `json:"sandbox_id"`
	BuildID          string   `json:"build_id,omitempty"`
	ParentSnapshotID string   `json:"parent_snapshot_id,omitempty"`
	Tags             []string `json:"tags"`
	SizeMB           float64  `json:"size_mb"`
	ForkCount        int      `json:"fork_count"`
	AutoCreated      bool     `json:"auto_created"`
	CreatedAt        Time     `json:"created_at,omitzero"`
}

// AutoSnapshot is the body and, with the other fields, the answer of POST …/auto-snapshot.
type AutoSnapshot struct {
	Status       string `json:"status,omitempty"`
	SandboxID    string `json:"sandbox_id,omitempty"`
	IntervalMins int    `json:"interval_mins"`
}

// MetricsReport answers GET …/metrics. Sizes are bytes; ts is Unix seconds.
type MetricsReport struct {
	SandboxID  string   `json:"sandbox_id"`
	Status     string   `json:"status"`
	CPUCount   int      `json:"cpu_count"`
	CPUUsedPct float64  `json:"cpu_used_pct"`
	MemTotal   int64    `json:"mem_total"`
	MemUsed    int64    `json:"mem_used"`
	DiskTotal  int64    `json:"disk_total"`
	DiskUsed   int64    `json:"disk_used"`
	TS         UnixTime `json:"ts,omitzero"`
}

// Process is one row of GET …/agent/processes; each value has two names.
type Process struct {
	PID           int     `json:"pid"`
	Command       string  `json:"command"`
	Cmd           string  `json:"cmd,omitempty"`
	CPUPercent    float64 `json:"cpu_percent"`
	CPUPct        float64 `json:"cpu_pct,omitempty"`
	MemoryPercent float64 `json:"memory_percent"`
	MemMB         float64 `json:"mem_mb,omitempty"`
}

// AddMemory is the body of POST …/memory.
type AddMemory struct {
	Text     string         `json:"text"`
	Metadata map[string]any `json:"metadata,omitempty"`
	Category string         `json:"category,omitempty"`
	Infer    bool           `json:"infer,omitempty"`
}

// AddMemories is the body of POST …/memory/batch.
type AddMemories struct {
	Facts    []string       `json:"facts"`
	Metadata map[string]any `json:"metadata,omitempty"`
	Category string         `json:"category,omitempty"`
}

// MemoryResults answers both.
type MemoryResults struct {
	Results []MemoryResult `json:"results"`
}

// MemoryResult is one row of MemoryResults; Event is ADD, UPDATE or NONE.
type MemoryResult struct {
	ID    string `json:"id"`
	Event string `json:"event"`
}

// Memories answers search (best first) and list (newest first).
type Memories struct {
	Memories []Memory `json:"memories"`
}

// Memory is one remembered fact.
type Memory struct {
	ID         string         `json:"id"`
	Memory     string         `json:"memory"`
	Score      float64        `json:"score"`
	UserID     string         `json:"user_id,omitempty"`
	AgentID    string         `json:"agent_id,omitempty"`
	Categories []string       `json:"categories"`
	Metadata   map[string]any `json:"metadata"`
	Infer      bool           `json:"infer,omitempty"`
	CreatedAt  Time           `json:"created_at,omitzero"`
}

// Feedback is the body of POST /memory/{id}/feedback.
type Feedback struct {
	Useful bool `json:"useful"`
}

// BuildTemplate is the body of POST /templates/build; with a build context
// the same fields travel as multipart/form-data, one part a file after them.
type BuildTemplate struct {
	Name        string `json:"name"`
	Dockerfile  string `json:"dockerfile"`
	Description string `json:"description,omitempty"`
	TeamID      string `json:"team_id,omitempty"`
}

// Template is the template object.
type Template struct {
	ID          string   `json:"id"`
	TemplateID  string   `json:"template_id,omitempty"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Status      string   `json:"status"`
	BuildStatus string   `json:"build_status,omitempty"`
	Error       string   `json:"error"`
	TeamID      string   `json:"team_id,omitempty"`
	Provider    string   `json:"provider,omitempty"`
	Logs        []string `json:"logs"`
	CreatedAt   Time     `json:"created_at,omitzero"`
	UpdatedAt   Time     `json:"updated_at,omitzero"`
}

// CreateVolume is the body of POST /volumes.
type CreateVolume struct {
	Name   string `json:"name"`
	SizeGB int    `json:"size_gb"`
}

// Volume is the volume object.
type Volume struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	SizeGB    int    `json:"size_gb"`
	Status    string `json:"status"`
	TeamID    string `json:"team_id,omitempty"`
	CreatedAt Time   `json:"created_at,omitzero"`
}

// Error is the body of every answer that is not 2xx.
type Error struct {
	Error      string `json:"error"`
	Message    string `json:"message,omitempty"`
	UpgradeURL string `json:"upgrade_url,omitempty"`
}
