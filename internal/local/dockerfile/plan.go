package dockerfile

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/sandflare/sandflare-go/internal/ignore"
)

// Item is one thing that COPY or ADD makes. Missing folders above To are to be
// made as well; what is there already is kept (folders) or replaced (files).
type Item struct {
	From   string // path in the build context; empty for a text and for nothing to read
	To     string // absolute path in the sandbox, cleaned
	IsDir  bool   // make the folder; what is in it comes in items of its own
	Link   string // make a symbolic link with this target, which lies in the context
	Text   string // for a here-document: the file's content
	Unpack bool   // ADD of an archive: To is the folder that it is unpacked into
}

// Target is the side of the sandbox.
type Target struct {
	Workdir string
	IsDir   func(path string) bool // whether a folder is there already; nil: none is
}

// Plan lists what a COPY or ADD step makes, in order, with Docker's rules: of a
// folder its contents are copied; a destination that ends in a slash, or is a
// folder already, is copied into; several sources need such a destination.
// Sources may hold the wildcards of [path.Match]. What ign leaves out does not
// exist. A source that begins with ../ begins at the context's top; no symbolic
// link may leave it.
// The step must come from [Scope.Next]; errors are [*Error].
func (in *Copy) Plan(line int, context fs.FS, ign *ignore.Matcher, target Target) ([]Item, error) {
	items, err := in.plan(&tree{context, ign}, target)
	if err != nil {
		kind := KindCopy
		if in.Add {
			kind = KindAdd
		}
		return nil, &Error{line, string(kind), err.Error()}
	}
	return items, nil
}

func (in *Copy) plan(t *tree, target Target) ([]Item, error) {
	sources, err := t.sources(in.Sources)
	if err != nil {
		return nil, err
	}
	dest := destination{path: absolute(target.Workdir, in.Dest), isDir: endsAsDir(in.Dest)}
	if !dest.isDir && len(sources)+len(in.Inline) > 1 {
		return nil, fmt.Errorf("several sources need a folder as destination: write %s/", in.Dest)
	}
	if !dest.isDir && target.IsDir != nil {
		dest.isDir = target.IsDir(dest.path)
	}
	var items []Item
	for _, source := range sources {
		made, err := in.planSource(t, source, dest)
		if err != nil {
			return nil, err
		}
		items = append(items, made...)
	}
	for _, file := range in.Inline {
		items = append(items, Item{Text: file.Text, To: dest.of(file.Name)})
	}
	return items, nil
}

// planSource plans one source. A link that is named is followed.
func (in *Copy) planSource(t *tree, source string, dest destination) ([]Item, error) {
	real, err := t.resolve(source)
	if err != nil {
		return nil, err
	}
	info, err := fs.Stat(t.context, real)
	switch {
	case !t.keeps(real):
		return nil, fmt.Errorf("%s is a link to %s, which .dockerignore leaves out", quote(source), quote(real))
	case err != nil:
		return nil, notThere(source, err)
	case info.IsDir():
		return t.folder(real, dest.path)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no file, folder or link", quote(source))
	case in.Add && t.isArchive(real):
		return []Item{{From: real, To: dest.path, Unpack: true}}, nil
	}
	return []Item{{From: real, To: dest.of(path.Base(source))}}, nil
}

// destination is where the sources of one step go.
type destination struct {
	path  string
	isDir bool
}

// of is where a single file goes.
func (d destination) of(name string) string {
	if d.isDir {
		return path.Join(d.path, name)
	}
	return d.path
}

// endsAsDir reports whether a destination can only be a folder.
func endsAsDir(dest string) bool {
	base := dest[strings.LastIndexByte(dest, '/')+1:]
	return base == "" || base == "." || base == ".."
}

func notThere(source string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is not in the build context: check its name and that it was sent (what lies beside the folder never is)", quote(source))
	}
	return fmt.Errorf("%s cannot be read: %w", quote(source), reason(err))
}

// reason leaves the operation and the path of a file error away.
func reason(err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
