//go:build linux

package main

import (
	"fmt"

	"codecell/test/e2e/cell"
)

// memory is resident memory in bytes, pages shared with others included.
type memory struct {
	Server int64 `json:"server_bytes"`
	Zygote int64 `json:"zygote_bytes"`
}

// measureMemory looks at an idle server.
func measureMemory(m *memory, s *cell.Server) error {
	p, err := cell.Process(s.Proc.PID)
	if err != nil {
		return err
	}
	zygotes, err := s.Zygotes()
	if err != nil {
		return err
	}
	if len(zygotes) == 0 {
		return fmt.Errorf("the server %v has no zygote", s.Proc)
	}
	m.Server, m.Zygote = p.RSS, zygotes[0].RSS
	return nil
}
