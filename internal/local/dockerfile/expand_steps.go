package dockerfile

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Docker substitutes in all instructions but RUN, CMD, ENTRYPOINT and SHELL,
// whose shell does it.

func (in *Run) expand(*expander) Instruction        { return in }
func (in *Cmd) expand(*expander) Instruction        { return in }
func (in *Entrypoint) expand(*expander) Instruction { return in }
func (in *Shell) expand(*expander) Instruction      { return in }
func (in *Run) check() error                        { return nil }
func (in *Cmd) check() error                        { return nil }
func (in *Entrypoint) check() error                 { return nil }
func (in *Shell) check() error                      { return nil }

func (in *From) expand(e *expander) Instruction {
	return &From{e.word(in.Image), e.word(in.Platform), in.Name}
}

func (in *From) check() error { return notBlank(in.Image) }

func (in *Arg) expand(e *expander) Instruction {
	out := &Arg{}
	for _, v := range in.Vars {
		out.Vars = append(out.Vars, ArgVar{v.Name, e.word(v.Default), v.HasDefault})
	}
	return out
}

func (in *Arg) check() error {
	for _, v := range in.Vars {
		if err := variableName(v.Name); err != nil {
			return err
		}
	}
	return nil
}

func (in *Env) expand(e *expander) Instruction { return &Env{e.pairs(in.Pairs)} }

func (in *Env) check() error {
	for _, p := range in.Pairs {
		if err := variableName(p.Name); err != nil {
			return err
		}
	}
	return nil
}

func (in *Label) expand(e *expander) Instruction { return &Label{e.pairs(in.Pairs)} }

func (in *Label) check() error {
	for _, p := range in.Pairs {
		if p.Name == "" {
			return errBlank
		}
	}
	return nil
}

func (in *Workdir) expand(e *expander) Instruction { return &Workdir{e.word(in.Path)} }
func (in *Workdir) check() error                   { return notBlank(in.Path) }
func (in *User) expand(e *expander) Instruction    { return &User{e.word(in.Name)} }
func (in *User) check() error                      { return notBlank(in.Name) }

func (in *Expose) expand(e *expander) Instruction {
	out := &Expose{}
	for _, word := range e.words(in.Ports) {
		out.Ports = append(out.Ports, strings.Fields(word)...)
	}
	return out
}

func (in *Expose) check() error {
	if len(in.Ports) == 0 {
		return errBlank
	}
	for _, port := range in.Ports {
		if !validPort(port) {
			return fmt.Errorf("%s is no port: write 8080, 8080/udp or 8000-8010", quote(port))
		}
	}
	return nil
}

func validPort(text string) bool {
	ports, protocol, ok := strings.Cut(text, "/")
	switch strings.ToLower(protocol) {
	case "tcp", "udp", "sctp":
	default:
		if ok {
			return false
		}
	}
	low, high, isRange := strings.Cut(ports, "-")
	first, err := strconv.ParseUint(low, 10, 16)
	if err != nil || !isRange {
		return err == nil
	}
	last, err := strconv.ParseUint(high, 10, 16)
	return err == nil && first <= last
}

// variableName is stricter than Docker: what no shell can name is a mistake.
func variableName(name string) error {
	for i := range len(name) {
		if !isLetter(name[i]) && (i == 0 || !isDigit(name[i])) {
			return fmt.Errorf("%s is no variable name: use letters, digits and _", quote(name))
		}
	}
	return notBlank(name)
}

func notBlank(text string) error {
	if strings.TrimSpace(text) == "" {
		return errBlank
	}
	return nil
}

func (in *Copy) expand(e *expander) Instruction {
	out := *in
	out.Sources, out.Dest = e.words(in.Sources), e.word(in.Dest)
	out.Chown, out.Chmod = e.word(in.Chown), e.word(in.Chmod)
	out.Inline = nil
	for _, file := range in.Inline {
		if !file.Literal {
			e.text = true
			file.Text = e.word(file.Text)
			e.text = false
		}
		out.Inline = append(out.Inline, file)
	}
	return &out
}

func (in *Copy) check() error {
	for _, source := range in.Sources {
		if err := in.checkSource(source); err != nil {
			return err
		}
	}
	if mode, err := strconv.ParseUint(in.Chmod, 8, 32); in.Chmod != "" && (err != nil || mode > 0o7777) {
		return fmt.Errorf("--chmod=%s: write it in octal, as 755", in.Chmod)
	}
	if in.Chown != "" && (strings.HasPrefix(in.Chown, ":") || strings.ContainsAny(in.Chown, " \t\n/")) {
		return fmt.Errorf("--chown=%s: write user or user:group", in.Chown)
	}
	for _, file := range in.Inline {
		if strings.Contains(file.Name, "/") {
			return errors.New("a here-document's delimiter is its file name here and cannot hold a slash")
		}
	}
	return notBlank(in.Dest)
}

func (in *Copy) checkSource(source string) error {
	if remote(source) {
		if in.Add {
			return fmt.Errorf("%s is remote: not supported, download it with RUN curl or RUN git clone", quote(source))
		}
		return fmt.Errorf("%s is remote: COPY takes files of the build context", quote(source))
	}
	return notBlank(source)
}

// remote reports whether Docker would fetch the source from a network.
func remote(source string) bool {
	scheme, _, ok := strings.Cut(source, "://")
	return ok && !strings.ContainsAny(scheme, "/.") || strings.HasPrefix(source, "git@")
}
