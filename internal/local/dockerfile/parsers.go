package dockerfile

import (
	"errors"
	"strings"
)

var parsers = map[Kind]func(*arguments) (Instruction, error){
	KindFrom:       parseFrom,
	KindArg:        parseArg,
	KindEnv:        func(a *arguments) (Instruction, error) { p, err := a.pairs(); return &Env{p}, err },
	KindLabel:      func(a *arguments) (Instruction, error) { p, err := a.pairs(); return &Label{p}, err },
	KindRun:        func(a *arguments) (Instruction, error) { c, err := a.command(); return &Run{c}, err },
	KindCmd:        func(a *arguments) (Instruction, error) { c, err := a.command(); return &Cmd{c}, err },
	KindEntrypoint: func(a *arguments) (Instruction, error) { c, err := a.command(); return &Entrypoint{c}, err },
	KindCopy:       parseCopy,
	KindAdd:        parseCopy,
	KindWorkdir:    func(a *arguments) (Instruction, error) { return &Workdir{a.text}, a.one("a folder") },
	KindUser:       func(a *arguments) (Instruction, error) { return &User{a.text}, a.one("a user name or id") },
	KindExpose:     func(a *arguments) (Instruction, error) { return &Expose{strings.Fields(a.text)}, a.one("a port") },
	KindShell:      parseShell,
}

// one is for instructions without flags whose text must not be empty.
func (a *arguments) one(what string) error {
	if err := a.noFlags(); err != nil {
		return err
	}
	if a.text == "" {
		return errors.New("needs " + what)
	}
	return nil
}

func (a *arguments) pairs() ([]Pair, error) {
	if err := a.noFlags(); err != nil {
		return nil, err
	}
	return pairs(a.text, a.escape)
}

func (a *arguments) command() (Command, error) {
	if err := a.noFlags(); err != nil {
		return Command{}, err
	}
	words, isJSON, err := jsonWords(a.text)
	switch {
	case err != nil:
		return Command{}, err
	case a.text == "" || isJSON && len(words) == 0 && a.kind == KindRun:
		return Command{}, errors.New("needs a command")
	case isJSON:
		return Command{Exec: words}, nil
	}
	return shellCommand(a.text, a.docs), nil
}

func parseFrom(a *arguments) (Instruction, error) {
	from := &From{}
	if err := a.onlyFlags(map[string]*string{"platform": &from.Platform}); err != nil {
		return nil, err
	}
	words := strings.Fields(a.text)
	switch {
	case len(words) == 3 && strings.EqualFold(words[1], "as"):
		from.Name = words[2]
	case len(words) != 1:
		return nil, errors.New("needs one image, as FROM image or FROM image AS name")
	}
	from.Image = words[0]
	return from, nil
}

func parseArg(a *arguments) (Instruction, error) {
	if err := a.one("a name, as ARG NAME or ARG NAME=default"); err != nil {
		return nil, err
	}
	arg := &Arg{}
	for _, word := range splitWords(a.text, a.escape) {
		name, value, ok := strings.Cut(word, "=")
		if name == "" {
			return nil, errors.New(quote(word) + " has no name before the =")
		}
		arg.Vars = append(arg.Vars, ArgVar{name, value, ok})
	}
	return arg, nil
}

func parseShell(a *arguments) (Instruction, error) {
	if err := a.noFlags(); err != nil {
		return nil, err
	}
	words, isJSON, err := jsonWords(a.text)
	if err == nil && (!isJSON || len(words) == 0) {
		err = errors.New(`needs the JSON form, as ["/bin/bash", "-c"]`)
	}
	return &Shell{words}, err
}

func parseCopy(a *arguments) (Instruction, error) {
	c := &Copy{Add: a.kind == KindAdd}
	var link string // a matter of layers, which do not exist here
	if err := a.onlyFlags(map[string]*string{"chown": &c.Chown, "chmod": &c.Chmod, "link": &link}); err != nil {
		return nil, err
	}
	words, isJSON, err := jsonWords(a.text)
	if err != nil {
		return nil, err
	}
	if !isJSON {
		words, c.Inline = copyWords(a.text, a.docs)
	}
	if len(words) == 0 || len(words)+len(c.Inline) < 2 {
		return nil, errors.New("needs at least one source and a destination")
	}
	c.Sources, c.Dest = words[:len(words)-1], words[len(words)-1]
	return c, nil
}

// copyWords splits at blanks and takes the here-documents out.
func copyWords(text string, docs []heredoc) (words []string, inline []Inline) {
	from := 0
	for _, h := range docs {
		words = append(words, strings.Fields(text[from:h.start])...)
		inline = append(inline, Inline{Name: h.name, Text: h.text, Literal: h.quoted})
		from = h.end
	}
	return append(words, strings.Fields(text[from:])...), inline
}
