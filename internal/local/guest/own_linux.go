package guest

// changes is where the sandbox's own files are: below it a folder for the tree
// and one for each of the host's folders. After pivot_root only the descriptor leads there.
func (s *server) changes() string {
	if s.up != nil {
		return below(s.up, "")
	}
	return s.Dir + "/up"
}
