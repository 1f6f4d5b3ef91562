package guest

func (s *server) changes() string { return s.Dir + "/up" }
