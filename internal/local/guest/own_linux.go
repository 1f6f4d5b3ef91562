package guest

import "os"

// ownFolder is Spec.Dir, held open: after pivot_root no path leads there.
type ownFolder struct {
	dir *os.File
	up  *os.File // where up is a file system of its own
}

func (s *server) own(part string) string {
	if part == "up" && s.held.up != nil {
		return below(s.held.up, "up")
	}
	if s.held.dir != nil {
		return below(s.held.dir, part)
	}
	return s.Dir + "/" + part
}
