package dockerfile

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/sandflare/sandflare-go/internal/ignore"
)

// tree is a build context and what of it is left out.
type tree struct {
	context fs.FS
	ign     *ignore.Matcher
}

// sources turns the sources of a step into paths that exist.
func (t *tree) sources(patterns []string) ([]string, error) {
	var all []string
	for _, pattern := range patterns {
		found, err := t.glob(inContext(pattern))
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// inContext makes a source relative to the context. Its top is the root, as
// with BuildKit: /x and ../x both mean x, and nothing above can be named.
func inContext(source string) string {
	return cmp.Or(strings.TrimPrefix(path.Clean("/"+source), "/"), ".")
}

func outside(source string) error {
	return fmt.Errorf("%s leaves the build context: only what lies below the folder that was sent can be copied", quote(source))
}

// glob finds what a source names.
func (t *tree) glob(pattern string) ([]string, error) {
	if !strings.ContainsAny(pattern, `*?[\`) {
		return []string{pattern}, t.mustKeep(pattern)
	}
	found, err := fs.Glob(t.context, pattern)
	if err != nil {
		return nil, fmt.Errorf("%s is no pattern: its brackets or a backslash are not closed", quote(pattern))
	}
	var kept []string
	for _, name := range found {
		if t.keeps(name) {
			kept = append(kept, name)
		}
	}
	if len(kept) == 0 {
		return nil, fmt.Errorf("%s matches nothing in the build context (%d left out by .dockerignore)", quote(pattern), len(found))
	}
	return kept, nil
}

func (t *tree) mustKeep(name string) error {
	if _, err := t.resolve(name); err != nil {
		return err // before anything behind a link is looked at
	}
	if _, err := fs.Lstat(t.context, name); err != nil {
		return notThere(name, err)
	}
	if !t.keeps(name) {
		return fmt.Errorf("%s is left out by .dockerignore", quote(name))
	}
	return nil
}

var errFound = errors.New("found")

// keeps reports whether name, or something below it, is not left out.
func (t *tree) keeps(name string) bool {
	if name == "." || !t.ign.Match(name) {
		return true
	}
	if t.ign.Prune(name) {
		return false
	}
	err := t.ign.Walk(t.context, name, func(string, fs.DirEntry) error { return errFound })
	return errors.Is(err, errFound)
}

// folder lists a folder, then what is in it.
func (t *tree) folder(root, to string) ([]Item, error) {
	items := []Item{{From: root, To: to, IsDir: true}}
	err := t.ign.Walk(t.context, root, func(name string, d fs.DirEntry) error {
		item := Item{From: name, To: path.Join(to, relative(root, name)), IsDir: d.IsDir()}
		switch {
		case d.Type()&fs.ModeSymlink != 0:
			target, err := t.link(name)
			if err != nil {
				return err
			}
			item.From, item.Link = "", target
		case !d.IsDir() && !d.Type().IsRegular():
			return nil // sockets, pipes and devices are nothing to copy
		}
		items = append(items, item)
		return nil
	})
	if err != nil {
		return nil, t.readable(err)
	}
	return items, nil
}

func (t *tree) readable(err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		return notThere(pe.Path, err)
	}
	return err
}

func relative(root, name string) string {
	if root == "." {
		return name
	}
	return strings.TrimPrefix(name, root+"/")
}

// link reads a link that is copied as one; it may dangle, not lead outside.
func (t *tree) link(name string) (string, error) {
	target, err := fs.ReadLink(t.context, name)
	if err != nil {
		return "", notThere(name, err)
	}
	if _, err := t.resolve(name); err != nil {
		return "", err
	}
	return target, nil
}

const maxLinks = 40

// resolve follows every link in name and refuses those that leave the context.
// What does not exist is no error here.
func (t *tree) resolve(name string) (string, error) {
	done, rest := ".", name
	for links := 0; rest != ""; {
		first, after, _ := strings.Cut(rest, "/")
		next := path.Join(done, first)
		if next == ".." || strings.HasPrefix(next, "../") {
			return "", outside(name)
		}
		target, isLink := t.readLink(next)
		if !isLink {
			done, rest = next, after
			continue
		}
		if links++; links > maxLinks {
			return "", fmt.Errorf("%s: its symbolic links go in a circle", quote(name))
		}
		if path.IsAbs(target) {
			return "", outside(name + " -> " + target)
		}
		rest = strings.TrimSuffix(target+"/"+after, "/")
	}
	return done, nil
}

func (t *tree) readLink(name string) (string, bool) {
	info, err := fs.Lstat(t.context, name)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return "", false
	}
	target, err := fs.ReadLink(t.context, name)
	return target, err == nil
}
