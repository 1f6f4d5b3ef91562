package dockerfile

// Kind is an instruction's keyword in capitals.
type Kind string

// The instructions that Parse returns.
const (
	KindFrom       Kind = "FROM"
	KindArg        Kind = "ARG"
	KindEnv        Kind = "ENV"
	KindRun        Kind = "RUN"
	KindCopy       Kind = "COPY"
	KindAdd        Kind = "ADD"
	KindWorkdir    Kind = "WORKDIR"
	KindUser       Kind = "USER"
	KindLabel      Kind = "LABEL"
	KindExpose     Kind = "EXPOSE"
	KindCmd        Kind = "CMD"
	KindEntrypoint Kind = "ENTRYPOINT"
	KindShell      Kind = "SHELL"
)

var kinds = []Kind{KindFrom, KindArg, KindEnv, KindRun, KindCopy, KindAdd, KindWorkdir, KindUser, KindLabel, KindExpose, KindCmd, KindEntrypoint, KindShell}

// File is a parsed Dockerfile.
type File struct {
	Steps []Step // in order; ARG may stand before the one FROM
}

// Step is one instruction and where it stands.
type Step struct {
	Line        int    // of its keyword, from 1
	Original    string // as written, continuation lines joined, without here-documents
	Kind        Kind
	Instruction Instruction

	escape byte
}

// Instruction is one of *From, *Arg, *Env, *Run, *Copy (also for ADD),
// *Workdir, *User, *Label, *Expose, *Cmd, *Entrypoint and *Shell.
type Instruction interface {
	expand(e *expander) Instruction // a copy with variables substituted
	check() error                   // of what can only be judged after that
}

// From begins the build. The image is named, not fetched.
type From struct{ Image, Platform, Name string }

// Pair is a name and its value.
type Pair struct{ Name, Value string }

// ArgVar is a build argument; HasDefault tells an empty default from none.
type ArgVar struct {
	Name, Default string
	HasDefault    bool
}

// Arg declares build arguments.
type Arg struct{ Vars []ArgVar }

// Env sets variables for the steps that follow and for what is built.
type Env struct{ Pairs []Pair }

// Label describes what is built.
type Label struct{ Pairs []Pair }

// Run runs a command while building.
type Run struct{ Command }

// Cmd is the command that a sandbox would begin with.
type Cmd struct{ Command }

// Entrypoint is the program in front of Cmd.
type Entrypoint struct{ Command }

// Copy is COPY, and ADD when Add is set. Beside files of the context it may
// write the texts of here-documents.
type Copy struct {
	Add          bool
	Sources      []string
	Inline       []Inline
	Dest         string
	Chown, Chmod string
}

// Inline is a file whose text stands in the Dockerfile.
type Inline struct {
	Name, Text string
	Literal    bool // its delimiter was quoted: nothing is substituted
}

// Workdir changes the working directory; a relative one adds to it.
type Workdir struct{ Path string }

// User changes the user of the steps that follow.
type User struct{ Name string }

// Expose names ports, as 8080, 8080/udp or 8000-8010/tcp.
type Expose struct{ Ports []string }

// Shell replaces the shell of shell forms.
type Shell struct{ Argv []string }
