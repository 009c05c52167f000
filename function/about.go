package function

import "codecell/sandbox"

// Sandbox returns what runs the programs, for a main to describe it to the
// person who started it. Programs that are run on it go past the gate.
func (s *Service) Sandbox() *sandbox.Sandbox {
	box, _ := s.box.(*sandbox.Sandbox) // anything else only in this package's own tests
	return box
}
