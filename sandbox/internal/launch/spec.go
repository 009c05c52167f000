package launch

import "fmt"

// Spec says what one launch is to do. It is the first message on SocketFD, as
// JSON: nothing of it stands in an argument list or an environment.
type Spec struct {
	// Path and Args are the interpreter; Env its whole environment.
	Path string   `json:"path"`
	Args []string `json:"args"`
	Env  []string `json:"env"`

	// SelfMap: this process stands in a user namespace that has no mapping yet,
	// and maps its own uid and gid onto themselves.
	SelfMap bool `json:"self_map"`
	// NewUTS: the host name is ours to replace.
	NewUTS bool `json:"new_uts"`
	// Drop: switch to UID and GID, for which the caller has the privilege.
	Drop bool `json:"drop"`
	UID  int  `json:"uid"`
	GID  int  `json:"gid"`

	// LandlockABI is the kernel's, 0 where it has none: no ruleset is applied then.
	LandlockABI int `json:"landlock_abi"`
	// Read may be read (directories: beneath); Exec may be executed as well.
	Read []string `json:"read"`
	Exec []string `json:"exec"`

	// Write are the folders beneath which runs work, each in one of its own.
	Write []string `json:"write"`
	// Workspaces are mounted first; none without a mount namespace of this process's own.
	Workspaces Workspaces `json:"workspaces"`

	// Processes bounds RLIMIT_NPROC, which counts by uid; 0 leaves it alone
	// (the uid is shared with processes that are not ours).
	Processes uint64 `json:"processes"`
	// Files bounds RLIMIT_NOFILE.
	Files uint64 `json:"files"`

	// NoHangup: the zygote and its runs ignore SIGHUP. gVisor sends it to all of them
	// when one run ends while another has stopped itself; Linux sends it only when a
	// process group loses its last tie to its session (setpgid(2)), which has none here.
	NoHangup bool `json:"no_hangup"`
}

// WorkspaceTag is the first byte of the message that carries the descriptor of one
// mount of a Workspaces; there are Workspaces.Mounts of them.
const WorkspaceTag = 'W'

// Workspaces are file systems that a launch mounts for its runs in a mount namespace
// of its own: each a tmpfs with a hard size, for one run at a time.
type Workspaces struct {
	Base   string `json:"base"`   // an existing folder, which they hide: they are Base/0, Base/1, ...
	Mounts int    `json:"mounts"` // how many
	Size   int64  `json:"size"`   // bytes each
	Inodes int    `json:"inodes"` // files and folders each: their names and attributes are in no size
	// Keep are the paths that must stay visible. Of whatever else stands in the root, only
	// the name does.
	Keep []string `json:"keep"`
}

// Scratch is the name of a folder in the first mount that is anybody's to write to.
const Scratch = "codecell-scratch"

// Failure is what a launch says when a step fails; the last message on SocketFD.
type Failure struct {
	Step  string `json:"step"`
	Error string `json:"error"`
}

// stepError names the step that failed.
type stepError struct {
	step string
	err  error
}

func (e *stepError) Error() string { return fmt.Sprintf("%s: %v", e.step, e.err) }
func (e *stepError) Unwrap() error { return e.err }
