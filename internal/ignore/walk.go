package ignore

import "io/fs"

// Walk calls fn for every file and folder below root that m keeps, in lexical
// order, root itself left aside. A file taken back in by ! may come without the
// folders above it. Links are passed on, never followed.
func (m *Matcher) Walk(fsys fs.FS, root string, fn func(name string, d fs.DirEntry) error) error {
	return fs.WalkDir(fsys, root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == root:
			return nil
		case d.IsDir() && m.Prune(name):
			return fs.SkipDir
		case m.Match(name):
			return nil
		}
		return fn(name, d)
	})
}
