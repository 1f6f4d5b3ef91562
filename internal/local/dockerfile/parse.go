package dockerfile

import (
	"errors"
	"strings"
)

// Parse reads a Dockerfile. What can be judged without the values of variables
// is judged here; every error is an [*Error].
func Parse(text string) (*File, error) {
	l, err := newLines(text)
	if err != nil {
		return nil, err
	}
	f := &File{}
	for {
		number, text := l.logical()
		if text == "" {
			break
		}
		step, err := l.step(number, text)
		if err != nil {
			return nil, err
		}
		if err := f.add(step); err != nil {
			return nil, err
		}
	}
	if !f.begun() {
		return nil, &Error{Line: len(l.all), Reason: "there is no FROM: begin with FROM ubuntu:24.04 (the image is named, not pulled)"}
	}
	return f, nil
}

// add keeps the order: ARG, one FROM, the rest.
func (f *File) add(step Step) error {
	fail := func(reason string) error { return &Error{step.Line, string(step.Kind), reason} }
	switch {
	case step.Kind == KindFrom && f.begun():
		return fail("a second stage: only one is supported, merge the stages into one")
	case step.Kind != KindFrom && step.Kind != KindArg && !f.begun():
		return fail("stands before FROM: begin with FROM (only ARG may stand before it)")
	}
	f.Steps = append(f.Steps, step)
	return nil
}

func (f *File) begun() bool {
	for _, step := range f.Steps {
		if step.Kind == KindFrom {
			return true
		}
	}
	return false
}

// step reads one instruction with its here-documents.
func (l *lines) step(number int, text string) (Step, error) {
	keyword, rest := cutWord(text)
	kind := Kind(strings.ToUpper(keyword))
	parse := parsers[kind]
	if parse == nil {
		return Step{}, &Error{number, keyword, unknown(string(kind))}
	}
	given, rest := flags(rest)
	docs, err := l.readHeredocs(number, kind, rest)
	if err != nil {
		return Step{}, err
	}
	a := &arguments{kind: kind, text: rest, docs: docs, flags: given, escape: l.escape}
	step := Step{Line: number, Original: text, Kind: kind, escape: l.escape}
	if step.Instruction, err = parse(a); err == nil {
		err = step.judge()
	}
	if err != nil {
		return Step{}, &Error{number, string(kind), err.Error()}
	}
	return step, nil
}

// judge finds errors of syntax in words that will be expanded later, and all
// others when no variable is in them.
func (s *Step) judge() error {
	trial := &expander{escape: s.escape, lookup: func(string) (string, bool) { return "1", true }}
	expanded := s.Instruction.expand(trial)
	if trial.err != nil || strings.Contains(s.Original, "$") {
		return trial.err
	}
	return expanded.check()
}

// arguments is what stands behind a keyword.
type arguments struct {
	kind   Kind
	text   string
	docs   []heredoc
	flags  []Pair
	escape byte
}

// noFlags refuses all flags.
func (a *arguments) noFlags() error { return a.onlyFlags(nil) }

// onlyFlags stores the flags in known and refuses others.
func (a *arguments) onlyFlags(known map[string]*string) error {
	for _, f := range a.flags {
		to := known[f.Name]
		if to == nil {
			return errors.New(refusedFlag(a.kind, f.Name))
		}
		*to = f.Value
	}
	return nil
}

func refusedFlag(kind Kind, name string) string {
	reason := "unknown flag: remove it"
	switch {
	case kind == KindRun && name == "mount":
		reason = "not supported: there is no build cache or secret to mount; COPY the files instead"
	case kind == KindRun && (name == "network" || name == "security"):
		reason = "not supported: commands run with the sandbox's own network and rights; remove it"
	case kind == KindCopy && name == "from":
		reason = "not supported: there is one stage and no image to copy from; COPY files of the build context"
	case kind == KindAdd && (name == "checksum" || name == "keep-git-dir"):
		reason = "not supported: it belongs to remote sources; download with RUN curl or RUN git clone instead"
	case name == "parents" || name == "exclude":
		reason = "not supported: list the sources, or leave files out by .dockerignore"
	}
	return "--" + name + ": " + reason
}
