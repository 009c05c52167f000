package sandbox

import "time"

// A Profile says what programs may do: bounds, imports, the policy's stages,
// and the isolation layers without which the sandbox must not start.
type Profile struct {
	Name        string        `yaml:"name"`
	Description string        `yaml:"description"`
	Limits      ProfileLimits `yaml:"limits"`
	Zygote      ZygoteLimits  `yaml:"zygote"`
	// Imports are the top-level modules that a program may import and that the
	// zygote imports once, before it forks.
	Imports []string `yaml:"imports"`
	Policy  Policy   `yaml:"policy"`
	// Require names the layers (see Layer.Name) without which New refuses to start.
	Require []string `yaml:"require"`
}

// ProfileLimits bound every run of a profile.
type ProfileLimits struct {
	Memory         MiB           `yaml:"memory_mib"`      // ceiling and default of Limits.Memory
	MaxTimeout     time.Duration `yaml:"max_timeout"`     // ceiling of Limits.Timeout
	DefaultTimeout time.Duration `yaml:"default_timeout"` // default of Limits.Timeout
}

// ZygoteLimits say when a zygote is replaced by a fresh one: hash seed and
// address layout are shared by all runs of one zygote.
type ZygoteLimits struct {
	MaxRuns int           `yaml:"max_runs"`
	MaxAge  time.Duration `yaml:"max_age"`
}

// Policy is the advice given to callers before a program runs. It is not the
// boundary: the kernel is.
type Policy struct {
	ASTScan        ASTScan        `yaml:"ast_scan" json:"ast_scan"`
	BlocklistAudit BlocklistAudit `yaml:"blocklist_audit" json:"blocklist_audit"`
}

// Mode says what a stage does with what it finds.
type Mode string

const (
	ModeEnforce Mode = "enforce" // refuse the program
	ModeObserve Mode = "observe" // log only
)

// ASTScan refuses imports outside Profile.Imports, bare names and attributes.
type ASTScan struct {
	Mode       Mode     `yaml:"mode" json:"mode"`
	Names      []string `yaml:"names" json:"names"`
	Attributes []string `yaml:"attributes" json:"attributes"`
}

// BlocklistAudit refuses attributes of modules, for example numpy.load.
type BlocklistAudit struct {
	Mode    Mode             `yaml:"mode" json:"mode"`
	Entries []BlocklistEntry `yaml:"entries" json:"entries"`
}

// BlocklistEntry is one attribute of one module.
type BlocklistEntry struct {
	Module    string `yaml:"module" json:"module"`
	Attribute string `yaml:"attribute" json:"attribute"`
}
