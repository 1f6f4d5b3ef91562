package main

func (s *scenario) lifecycle() {}
func (s *scenario) state()     {}
func (s *scenario) memories()  {}
func (s *scenario) bugs()      {}
