package sandbox

import (
	"fmt"
	"slices"
	"strings"
)

// Layer is one isolation layer and whether it holds here.
type Layer struct {
	Name   string     `json:"layer"`
	State  LayerState `json:"state"`
	Detail string     `json:"detail"`
}

// LayerState is one of LayerActive, LayerAbsent and LayerFailed.
type LayerState string

const (
	LayerActive LayerState = "active" // in force for every run
	LayerAbsent LayerState = "absent" // this kernel or container does not give it
	LayerFailed LayerState = "failed" // given, but applying it failed
)

// RequireError says which required layers this machine does not give.
type RequireError struct{ Missing []Layer }

func (e *RequireError) Error() string {
	var s strings.Builder
	for _, l := range e.Missing {
		fmt.Fprintf(&s, "isolation layer %s is required but %s here: %s. ", l.Name, l.State, l.Detail)
	}
	s.WriteString("Without it a program may reach what it must not: give the container what is missing, or, if you accept that, leave it out of SANDBOX_REQUIRE or the profile's require list.")
	return s.String()
}

func requireLayers(layers []Layer, require []string) error {
	var missing []Layer
	for _, name := range require {
		at := slices.IndexFunc(layers, func(l Layer) bool { return l.Name == name })
		switch {
		case at < 0:
			return fmt.Errorf("sandbox: SANDBOX_REQUIRE names %q, which is no isolation layer", name)
		case layers[at].State != LayerActive:
			missing = append(missing, layers[at])
		}
	}
	if missing != nil {
		return &RequireError{Missing: missing}
	}
	return nil
}
