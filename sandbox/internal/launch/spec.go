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
