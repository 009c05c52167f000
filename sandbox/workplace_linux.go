package sandbox

import (
	"crypto/rand"
	"fmt"
	"os"
	"slices"

	"codecell/sandbox/internal/launch"

	"golang.org/x/sys/unix"
)

// workspaceBases is where a launch may mount workspaces: the first of these folders that is there, and is not
// needed for anything else.
var workspaceBases = []string{"/tmp", "/mnt", "/srv", "/media", "/home", "/opt"}

const volumeAdvice = "Mount a volume that is for it alone and has a size (an emptyDir with medium: Memory and a sizeLimit, for example), and name its folder in SANDBOX_WORKSPACE"

// workFolders is what all workspaces stand beneath, and the null device, which programs write to.
func workFolders(folder string) []string {
	if folder == "" {
		return nil
	}
	return []string{folder, os.DevNull}
}

// openWorkspaces prepares for the roots that the launch will send, or takes the volume. It
// returns the path of a folder that the zygote may write to while it imports.
func (z *zygote) openWorkspaces(p plan, mounts launch.Workspaces, folder string) (scratch string, err error) {
	switch {
	case folder == "":
		return "", nil
	case p.volume == nil:
		z.workspaces = &workspaces{free: make(chan *os.File, mounts.Mounts), scratch: launch.Scratch}
		return folder + "/0/" + launch.Scratch, nil
	}
	name := workspaceEntry + rand.Text()
	z.workspaces = &workspaces{free: make(chan *os.File, 2), scratch: name, volume: true} // of the slot, and of the parked run
	z.workspaces.free <- p.volume
	z.workspaces.free <- p.volume
	err = unix.Mkdirat(int(p.volume.Fd()), name, 0o700)
	if err == nil {
		err = unix.Fchmodat(int(p.volume.Fd()), name, 0o777, 0)
	}
	return folder + "/" + name, err
}

// abilities are what the filters need to know.
func (p plan) abilities(prof *Profile) launch.Abilities {
	return launch.Abilities{Files: prof.Workspace > 0, Threads: prof.Threads > 0, Volume: p.volume != nil}
}

// workspaceSpec says where the runs of a profile work: what a launch is to mount, and
// beneath which folders all of it stands. The error says what to add to the container.
func (p plan) workspaceSpec(prof *Profile, py Interpreter, slots int) (mounts launch.Workspaces, folder string, err error) {
	refuse := func(why, todo string) (launch.Workspaces, string, error) {
		return launch.Workspaces{}, "", fmt.Errorf("sandbox: profile %s gives its programs a workspace, and %s. %s, or take a profile without (workspace_mib: 0)", prof.Name, why, todo)
	}
	switch {
	case prof.Workspace == 0:
		return launch.Workspaces{}, "", nil
	case p.landlockABI < launch.LandlockWorkABI:
		why := fmt.Sprintf("this kernel's Landlock is of ABI %d: without ABI %d nothing keeps a program that may open files to its own", p.landlockABI, launch.LandlockWorkABI)
		return refuse(why, "Use a host with Linux 6.2 or later, and with landlock among its security modules")
	case p.volume != nil:
		return launch.Workspaces{}, p.volume.Name(), nil
	case !p.has(unix.CLONE_NEWNS):
		return refuse("this container may have no mount namespace of its own for it: "+p.nsWhy,
			volumeAdvice)
	}
	keep := slices.Concat(py.ReadOnlyPaths, py.Exec, []string{os.DevNull})
	for _, base := range workspaceBases {
		w := launch.Workspaces{Base: base, Mounts: slots + 1, Size: prof.Workspace.Bytes(), Inodes: workspaceInodes(prof.Workspace), Keep: keep}
		if info, err := os.Lstat(base); err == nil && info.IsDir() && !slices.ContainsFunc(keep, func(path string) bool { return beneath(path, base) }) {
			return w, base, nil
		}
	}
	return refuse(fmt.Sprintf("there is no folder to mount it on: none of %q is there and unused", workspaceBases), "Make one")
}
