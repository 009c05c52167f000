//go:build linux

package memory

import "slices"

// A Need is what the profile of a container must give its programs for an attack to be
// one there: each has what those before it have.
type Need string

// The needs.
const (
	Nothing  Need = ""         // computing: minimal
	Files    Need = "files"    // a workspace, and threads: standard
	Packages Need = "packages" // those of data-science
)

var needs = []Need{Nothing, Files, Packages}

// In reports whether a container whose profile gives that much has what is needed.
func (n Need) In(has Need) bool { return slices.Index(needs, n) <= slices.Index(needs, has) }
