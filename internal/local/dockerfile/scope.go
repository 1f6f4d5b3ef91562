package dockerfile

import (
	"errors"
	"maps"
	"path"
	"runtime"
	"slices"
)

// Scope is what the steps of a build leave to those after them. It is for one
// build and one goroutine.
type Scope struct {
	Workdir string   // absolute; "/" at first
	User    string   // empty at first
	Shell   []string // for [Command.Argv]

	base, env, args, global map[string]string
	begun                   bool
}

// NewScope begins a build. The variables of base (PATH, HOME) can be used in
// the Dockerfile; the base itself is in neither [Scope.Env] nor [Scope.Environ].
func NewScope(base map[string]string) *Scope {
	platform := "linux/" + runtime.GOARCH
	return &Scope{
		Workdir: "/",
		Shell:   slices.Clone(defaultShell),
		base:    maps.Clone(base),
		env:     map[string]string{},
		args:    map[string]string{},
		global: map[string]string{
			"TARGETOS": "linux", "TARGETARCH": runtime.GOARCH, "TARGETPLATFORM": platform,
			"BUILDOS": "linux", "BUILDARCH": runtime.GOARCH, "BUILDPLATFORM": platform,
		},
	}
}

// Next substitutes the variables of a step and takes in what it leaves to the
// next ones. Within one step all variables have the values from before it.
func (s *Scope) Next(step Step) (Step, error) {
	e := &expander{lookup: s.lookup, escape: step.escape}
	step.Instruction = step.Instruction.expand(e)
	err := e.err
	if err == nil {
		err = step.Instruction.check()
	}
	if err != nil {
		return Step{}, &Error{step.Line, string(step.Kind), err.Error()}
	}
	s.apply(step.Instruction)
	return step, nil
}

func (s *Scope) lookup(name string) (string, bool) {
	if !s.begun {
		value, ok := s.global[name]
		return value, ok
	}
	for _, m := range []map[string]string{s.env, s.args, s.base} {
		if value, ok := m[name]; ok {
			return value, true
		}
	}
	return "", false
}

func (s *Scope) apply(in Instruction) {
	switch in := in.(type) {
	case *From:
		s.begun = true
	case *Arg:
		s.declare(in.Vars)
	case *Env:
		for _, p := range in.Pairs {
			s.env[p.Name] = p.Value
		}
	case *Workdir:
		s.Workdir = absolute(s.Workdir, in.Path)
	case *User:
		s.User = in.Name
	case *Shell:
		s.Shell = slices.Clone(in.Argv)
	}
}

// declare takes in ARG: before FROM for FROM alone, and as the default of an
// ARG of the same name after it.
func (s *Scope) declare(vars []ArgVar) {
	for _, v := range vars {
		inherited, known := s.global[v.Name]
		switch {
		case !s.begun && v.HasDefault:
			s.global[v.Name] = v.Default
		case !s.begun:
		case v.HasDefault:
			s.args[v.Name] = v.Default
		case known:
			s.args[v.Name] = inherited
		}
	}
}

// Env is what ENV has set so far: it holds in sandboxes made from the template.
func (s *Scope) Env() map[string]string { return maps.Clone(s.env) }

// Environ is what RUN gets beside its base: build arguments and, above them,
// Env. As NAME=value, sorted.
func (s *Scope) Environ() []string {
	all := maps.Clone(s.args)
	maps.Copy(all, s.env)
	var out []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out = append(out, name+"="+all[name])
	}
	return out
}

// absolute joins name to dir unless it is absolute itself.
func absolute(dir, name string) string {
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join("/", dir, name)
}

var errBlank = errors.New("is empty after its variables are substituted: give them a value by ARG or ENV, or a default by ${NAME:-default}")
