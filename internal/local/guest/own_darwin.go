package guest

type ownFolder struct{}

func (s *server) own(part string) string { return s.Dir + "/" + part }
