package sandbox

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"codecell/sandbox/internal/launch"

	"golang.org/x/sys/unix"
)

// runUID and runGID are what a root server's runs become: nobody's on any common
// system, and not the 65532 or 65534 that containers already use.
const (
	runUID = 65533
	runGID = 65533
)

// A plan says which of the layers that this machine has a launch will use. It
// is settled once, by trying, when the first zygote starts.
type plan struct {
	uid, gid    int  // of zygote and runs, as the server sees them
	drop        bool // the server is root, and they get a uid of their own
	landlockABI int
	landlockWhy string // when the ABI is 0
	namespaces  uintptr
	nsWhy       string   // when some namespace is missing
	volume      *os.File // where workspaces are made, if the operator says; else they are mounted
	gVisor      bool     // the kernel keeps limits by uid as gVisor does
}

// Namespace layers, in the order in which they are reported.
var namespaceLayers = []struct {
	name string
	flag uintptr
}{
	{"namespace_user", unix.CLONE_NEWUSER},
	{"namespace_pid", unix.CLONE_NEWPID},
	{"namespace_net", unix.CLONE_NEWNET},
	{"namespace_ipc", unix.CLONE_NEWIPC},
	{"namespace_uts", unix.CLONE_NEWUTS},
	{"namespace_mount", unix.CLONE_NEWNS},
}

const (
	everyNamespace = unix.CLONE_NEWUSER | notUser
	notUser        = unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWNS
)

// newPlan finds out what can be found out without starting anything.
func newPlan() plan {
	p := plan{uid: os.Geteuid(), gid: os.Getegid(), namespaces: everyNamespace, gVisor: !keepsSignalLimit()}
	if p.uid == 0 {
		p.drop, p.uid, p.gid = true, runUID, runGID
	}
	abi, err := launch.LandlockABI()
	switch {
	case err != nil:
		p.landlockWhy = err.Error()
	case abi == 0:
		p.landlockWhy = "this kernel has no Landlock, or it is not among its security modules"
	}
	p.landlockABI = abi
	return p
}

// keepsSignalLimit reports whether RLIMIT_SIGPENDING can be set to what it is:
// gVisor, which does not keep that limit, refuses even so.
func keepsSignalLimit() bool {
	var now unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_SIGPENDING, &now)
	if err == nil {
		err = unix.Setrlimit(unix.RLIMIT_SIGPENDING, &now)
	}
	return !errors.Is(err, unix.EPERM)
}

// withVolume is the plan where workspaces are made in a volume: what is mounted there is the
// server's, and would be out of reach of a mount namespace of the zygote's.
func (p plan) withVolume(folder *os.File) plan {
	p.volume = folder
	p.namespaces &^= unix.CLONE_NEWNS
	p.nsWhy = "SANDBOX_WORKSPACE is a mount of the server's"
	return p
}

// possible refuses a server that is root but can't make anybody else of its runs, or can't
// remove the files that they will have.
func (p plan) possible(files bool) error {
	if !p.drop {
		return nil
	}
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var held [2]unix.CapUserData // of 32 capabilities each
	if err := unix.Capget(&hdr, &held[0]); err != nil {
		return fmt.Errorf("capget: %w", err)
	}
	const need = 1<<unix.CAP_SETUID | 1<<unix.CAP_SETGID
	if held[0].Effective&need == need {
		const needFiles = 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_FOWNER
		if files && held[0].Effective&needFiles != needFiles {
			return errors.New("sandbox: started as root, but without CAP_DAC_OVERRIDE and CAP_FOWNER: " +
				"what programs leave in their workspaces belongs to another user and could not be removed. " +
				"Start the server as an ordinary user (65532, say), or give it these two capabilities")
		}
		return nil
	}
	return errors.New("sandbox: started as root, but without CAP_SETUID and CAP_SETGID: " +
		"programs must not run as root, and no other user can be made of them. " +
		"Start the server as an ordinary user (65532, say), or give it these two capabilities")
}

// fallBack gives up namespaces that could not be had, from most to fewest; false
// when there is nothing left to give up, or the error is not about namespaces.
func (p *plan) fallBack(err error) bool {
	if p.namespaces == 0 || !aboutNamespaces(err) {
		return false
	}
	switch {
	case p.namespaces&unix.CLONE_NEWUSER != 0 && p.drop: // root may make the others without
		p.namespaces = notUser
	default: // without privilege the others come with the user namespace or not at all
		p.namespaces = 0
	}
	p.nsWhy = err.Error()
	return true
}

func aboutNamespaces(err error) bool {
	var step *SetupError
	if errors.As(err, &step) {
		switch step.Step {
		case "clone", "namespace_user", "namespace_uts":
			return true
		}
	}
	return false
}

// sysProcAttr is the server's part of the outer jail: what only clone can do.
func (p plan) sysProcAttr() *syscall.SysProcAttr {
	// The parent-death signal is launch's to ask for. Pdeathsig here would make a child
	// that is the first of its PID namespace, and so sees 0 for its parent, take that for
	// dead and send itself SIGKILL: Linux spares such a process, gVisor does not.
	attr := &syscall.SysProcAttr{
		Setsid:     true, // a group of its own: killed, and reaped, as one
		Cloneflags: p.namespaces,
	}
	if p.namespaces&unix.CLONE_NEWUSER == 0 {
		return attr
	}
	if p.drop {
		id := func(container, host int) []syscall.SysProcIDMap {
			return []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}, {ContainerID: container, HostID: host, Size: 1}}
		}
		attr.UidMappings, attr.GidMappings = id(p.uid, p.uid), id(p.gid, p.gid)
		attr.GidMappingsEnableSetgroups = true
		return attr
	}
	// Without privilege the mapping is the child's to write: /proc/PID/uid_map of
	// a process that still shares our memory belongs to root, because we are not
	// dumpable. These let it, and last until launch drops them.
	attr.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_SETUID, unix.CAP_SETGID, unix.CAP_SETPCAP}
	return attr
}

func (p plan) has(flag uintptr) bool { return p.namespaces&flag != 0 }

// layers reports the plan once a zygote has started by it and was verified.
func (p plan) layers(prof *Profile) []Layer {
	active := func(name, detail string) Layer { return Layer{name, LayerActive, detail} }
	limits := "address space, CPU time, processes, descriptors, files, signals, locked memory"
	if p.gVisor {
		limits = "address space, CPU time, processes of a run, descriptors, files, locked memory; this kernel does not limit queued signals"
	}
	files := "none"
	if prof.Workspace > 0 {
		files = "these and a folder of their own"
	}
	layers := []Layer{
		active("capabilities", "all sets empty, read back from outside"),
		active("no_new_privs", "set before exec"),
		active("seccomp", "default-deny for interpreter and run, one filter each, and a seal between them"),
		active("rlimits", limits),
		active("non_dumpable", "server, zygote and runs"),
	}
	if p.drop {
		layers = append(layers, active("uid", fmt.Sprintf("runs have uid %d, the server is root", p.uid)))
	} else {
		layers = append(layers, Layer{"uid", LayerAbsent, fmt.Sprintf(
			"runs share the server's uid %d; only a server that starts as root can give them their own", p.uid)})
	}
	if p.landlockABI > 0 {
		layers = append(layers, active("landlock", fmt.Sprintf("ABI %d: interpreter's own files read-only, runs %s", p.landlockABI, files)))
	} else {
		layers = append(layers, Layer{"landlock", LayerAbsent, p.landlockWhy})
	}
	if p.landlockABI >= launch.LandlockScopeABI {
		layers = append(layers, active("landlock_scope", "no signal and no abstract socket leaves a run"))
	} else {
		layers = append(layers, Layer{"landlock_scope", LayerAbsent, fmt.Sprintf(
			"needs Landlock ABI %d, Linux 6.12", launch.LandlockScopeABI)})
	}
	for _, ns := range namespaceLayers {
		if p.has(ns.flag) {
			layers = append(layers, active(ns.name, "of its own"))
		} else {
			layers = append(layers, Layer{ns.name, LayerAbsent, p.nsWhy})
		}
	}
	return layers
}

// processes bounds RLIMIT_NPROC of a zygote with this many slots: the zygote, its
// runs, and another zygote with its own during a planned replacement. The limit
// counts by uid and user namespace. Without a namespace of ours that is every
// process of the uid on this host, other containers' zygotes and runs among them:
// 0, no limit, then, and under gVisor, which counts by uid alone, and threads, the
// server's among them. A run's own limit is 0 in any case.
func (p plan) processes(slots, threads int) uint64 {
	if p.has(unix.CLONE_NEWUSER) && !p.gVisor {
		return uint64(2*slots + 4 + slots*threads)
	}
	return 0
}

// othersProcesses is how many processes and threads of a run's uid there may be on the
// whole host before a run can start no more of its own, where they can't be told apart.
const othersProcesses = 512

// runProcesses is RLIMIT_NPROC of a run: 0 without threads, as it forks nothing.
func (p plan) runProcesses(slots, threads int) uint64 {
	if threads == 0 {
		return 0
	}
	if all := p.processes(slots, threads); all > 0 {
		return all - uint64(slots+2) // so that the zygote can fork whatever its runs do
	}
	return othersProcesses
}
