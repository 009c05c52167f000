package sandbox

import (
	"slices"
	"strings"
	"time"
)

// A Profile says what programs may do: bounds, imports, the policy's stages,
// and the isolation layers without which the sandbox must not start. LoadProfile
// reads one; its fields are then within the bounds named here.
type Profile struct {
	Name        string // [a-z][a-z0-9_-]*, at most 64 bytes
	Description string // one line, at most 500 bytes
	Limits      ProfileLimits
	Zygote      ZygoteLimits
	// Imports are the top-level modules that a program may import and that the
	// zygote imports once, before it forks; "*" allows any, and imports none.
	Imports []string
	// Preload are more modules that the zygote imports, by their dotted names. What has
	// code of its own in a library can't be imported later: no run may map new code.
	Preload []string
	// Packages says whether what is installed beside the interpreter may be imported
	// (its site-packages).
	Packages bool
	// Workspace is the size of the folder that each run has to work in, and in which it
	// starts; 0: runs have no files. At most MaxWorkspace.
	Workspace MiB
	// Read are files, and folders with all beneath them, that runs with a workspace may
	// read beside the interpreter's own. Those that are not there are left out.
	Read []string
	// Threads is how many a run may have at once beside its first; 0 to MaxThreads.
	Threads int
	// Figures says whether open figures of matplotlib's are saved at a program's end.
	Figures bool
	// Env are the environment variables that a caller may set: names, or beginnings of
	// names with a * behind them.
	Env    []string
	Policy Policy
	// Require names the layers (see Layer.Name) without which New refuses to start.
	Require []string
}

// AllowsEnv reports whether a caller may set the environment variable.
func (p *Profile) AllowsEnv(name string) bool {
	return slices.ContainsFunc(p.Env, func(allowed string) bool {
		begin, open := strings.CutSuffix(allowed, "*")
		return name == allowed || open && strings.HasPrefix(name, begin)
	})
}

// ProfileLimits bound every run of a profile.
type ProfileLimits struct {
	Memory         MiB           // ceiling and default of Limits.Memory; MinMemory to 65536
	LeastMemory    MiB           // floor of Limits.Memory; MinMemory to Memory
	MemoryKind     MemoryKind    // what Limits.Memory counts
	MaxTimeout     time.Duration // ceiling of Limits.Timeout; 1 ms to 1 h
	DefaultTimeout time.Duration // default of Limits.Timeout; 1 ms to MaxTimeout
}

// MaxWorkspace and MaxThreads are the most that a profile may give a run.
const (
	MaxWorkspace = MiB(16384)
	MaxThreads   = 256
)

// MemoryKind is what a run's limit of memory counts.
type MemoryKind string

const (
	// MemoryAddressSpace counts all that is mapped (RLIMIT_AS), the interpreter's code too.
	MemoryAddressSpace MemoryKind = "address_space"
	// MemoryData counts what is private and may be written to (RLIMIT_DATA), what the zygote
	// has of it too, but not the code of libraries; the address space may then grow by as much.
	MemoryData MemoryKind = "data"
)

// ZygoteLimits say when a zygote is replaced by a fresh one: hash seed and
// address layout are shared by all runs of one zygote.
type ZygoteLimits struct {
	MaxRuns int           // 1 to 1,000,000
	MaxAge  time.Duration // 1 s to 24 h
}

// Policy is the advice given to callers before a program runs. It is not the
// boundary: the kernel is. zygote/policy.py reads it as JSON.
type Policy struct {
	ASTScan        ASTScan        `json:"ast_scan"`
	BlocklistAudit BlocklistAudit `json:"blocklist_audit"`
}

// Mode says what a stage does with what it finds.
type Mode string

const (
	ModeEnforce Mode = "enforce" // refuse the program
	ModeObserve Mode = "observe" // log only
)

// ASTScan refuses imports outside Profile.Imports, bare names and attributes.
type ASTScan struct {
	Mode       Mode     `json:"mode"`
	Names      []string `json:"names"`
	Attributes []string `json:"attributes"`
}

// BlocklistAudit refuses attributes of modules, for example numpy.load.
type BlocklistAudit struct {
	Mode    Mode             `json:"mode"`
	Entries []BlocklistEntry `json:"entries"`
}

// BlocklistEntry is one attribute of one module.
type BlocklistEntry struct {
	Module    string `json:"module"` // dotted
	Attribute string `json:"attribute"`
}
