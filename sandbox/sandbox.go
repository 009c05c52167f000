package sandbox

import (
	"log/slog"
)

// Config is what New needs to know. The zero value of a field means the default
// named beside it.
type Config struct {
	Profile *Profile // required; see LoadProfile
	// Slots is how many runs may be in flight at once; 0 means 1, Auto as many as fit.
	Slots int
	// Python is the interpreter to use; empty means find one.
	Python string
	// Workspace is a folder for the workspaces of runs: a volume of its own, with a size.
	// Empty means that they are mounted, which takes a mount namespace.
	Workspace string
	// MemoryLimit and MemoryReserve, in bytes, override what is measured; 0 means measure.
	MemoryLimit, MemoryReserve int64
	// Doors is what the caller may hold in memory on behalf of its clients.
	Doors Doors
	// Require names layers without which New must fail; nil means the profile's.
	Require []string
	Log     *slog.Logger // nil means slog.Default()
}

// Auto as Config.Slots takes as many slots as fit the budget.
const Auto = -1

// Runtime names what runs the programs.
type Runtime struct {
	Language string `json:"language"` // "python"
	Version  string `json:"version"`  // for example "3.11.2"
}
