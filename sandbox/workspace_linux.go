package sandbox

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"codecell/sandbox/internal/launch"

	"golang.org/x/sys/unix"
)

// A workspace is the folder that one run works in: made for it, and removed with all that
// is in it before its reservation is given back. The run is rooted in it by Landlock, and
// its size is its file system's.
type workspace struct {
	roots *workspaces
	root  *os.File // the folder that it stands in
	name  string   // random: another run could not guess it, if it could look
}

// workspaces are the folders that those of one zygote's runs stand in, each for one at
// a time: a mount of its own, or the operator's volume, for which there is one slot.
type workspaces struct {
	free    chan *os.File
	scratch string // what a zygote may write to while it imports, in the first of them
	volume  bool   // all are the operator's, and not ours to close
}

// workspaceEntry is how an entry of ours in an operator's volume begins.
const workspaceEntry = "codecell-"

// take makes a workspace; dir is a descriptor of it, for the caller to close. Of nil, where
// runs have none, it is nil.
func (w *workspaces) take() (ws *workspace, dir int, err error) {
	if w == nil {
		return nil, -1, nil
	}
	select {
	case root := <-w.free:
		ws = &workspace{roots: w, root: root, name: workspaceEntry + rand.Text()}
	default:
		return nil, -1, errors.New("more runs than workspaces") // a bug of ours
	}
	// Not the run's own where it has another uid: it can't change what is not in it.
	at := int(ws.root.Fd())
	if err = unix.Mkdirat(at, ws.name, 0o700); err == nil {
		err = unix.Fchmodat(at, ws.name, 0o777, 0) // whatever the umask
	}
	if err == nil {
		dir, err = unix.Openat(at, ws.name, unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		return nil, -1, errors.Join(fmt.Errorf("make a workspace: %w", err), ws.remove())
	}
	return ws, dir, nil
}

// remove removes the workspace with all that is in it. Its run must have ended.
func (ws *workspace) remove() error {
	if ws == nil {
		return nil
	}
	err := removeTree(int(ws.root.Fd()), ws.name)
	ws.roots.free <- ws.root
	return err
}

// removeTree removes a folder beneath at, and what is in it. It follows no link, and however
// deep or wide the tree is, it holds two descriptors and a few entries: what stands in a
// folder of the folder is moved up before that is removed. Nobody else may change it meanwhile.
func removeTree(at int, name string) error {
	top, err := openOwn(at, name)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open a folder: %w", err)
	}
	defer top.Close()
	err = forEach(top, func(e os.DirEntry) error {
		if !e.IsDir() {
			return unix.Unlinkat(int(top.Fd()), e.Name(), 0)
		}
		return dissolve(top, e.Name())
	})
	if err != nil {
		return fmt.Errorf("empty a folder: %w", err)
	}
	if err := unix.Unlinkat(at, name, unix.AT_REMOVEDIR); err != nil {
		return fmt.Errorf("remove a folder: %w", err)
	}
	return nil
}

// dissolve removes one folder of top; folders in it that are not empty are moved to top.
func dissolve(top *os.File, name string) error {
	at := int(top.Fd())
	err := unix.Unlinkat(at, name, unix.AT_REMOVEDIR)
	if !errors.Is(err, unix.ENOTEMPTY) {
		return err
	}
	dir, err := openOwn(at, name)
	if err != nil {
		return err
	}
	defer dir.Close()
	err = forEach(dir, func(e os.DirEntry) error {
		if !e.IsDir() {
			return unix.Unlinkat(int(dir.Fd()), e.Name(), 0)
		}
		if err := unix.Unlinkat(int(dir.Fd()), e.Name(), unix.AT_REMOVEDIR); !errors.Is(err, unix.ENOTEMPTY) {
			return err
		}
		// To be moved it must be writable: rename(2) changes its "..".
		if err := unix.Fchmodat(int(dir.Fd()), e.Name(), 0o700, 0); err != nil {
			return err
		}
		return unix.Renameat(int(dir.Fd()), e.Name(), at, rand.Text())
	})
	if err != nil {
		return err
	}
	return unix.Unlinkat(at, name, unix.AT_REMOVEDIR)
}

// openOwn opens a folder that may have been closed to its owner, whom it has to be open to.
func openOwn(at int, name string) (*os.File, error) {
	if err := unix.Fchmodat(at, name, 0o700, 0); err != nil {
		return nil, err
	}
	fd, err := unix.Openat(at, name, unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

// forEach calls do for the entries of a folder until there is none: each must be gone then.
func forEach(dir *os.File, do func(os.DirEntry) error) error {
	for {
		entries, err := dir.ReadDir(256)
		if len(entries) == 0 {
			return unlessEOF(err)
		}
		for _, e := range entries {
			if err := do(e); err != nil {
				return err
			}
		}
		// What is read on from a folder that changed may leave something out.
		if _, err := dir.Seek(0, io.SeekStart); err != nil {
			return err
		}
	}
}

// charge is what the file system of the workspace holds of memory, in bytes, which is in
// nobody's RSS; 0 for one on a disk.
func (ws *workspace) charge() (int64, error) {
	if ws == nil {
		return 0, nil
	}
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(ws.root.Fd()), &fs); err != nil || fs.Type != unix.TMPFS_MAGIC {
		return 0, err
	}
	return int64(fs.Blocks-fs.Bfree)*fs.Bsize + int64(fs.Files-fs.Ffree)*inodeCost, nil
}

// add takes a mount that a launch has made.
func (w *workspaces) add(root int) error {
	file := os.NewFile(uintptr(root), "workspaces")
	if w == nil || w.volume || len(w.free) == cap(w.free) {
		return errors.Join(errors.New("more mounts than were asked for"), file.Close())
	}
	w.free <- file
	return nil
}

// empty removes what the zygote's imports have written, and refuses to go on with
// fewer mounts than were asked for.
func (w *workspaces) empty() error {
	if w == nil {
		return nil
	}
	if len(w.free) != cap(w.free) {
		return fmt.Errorf("%d mounts of %d", len(w.free), cap(w.free))
	}
	root := <-w.free
	w.free <- root
	return removeTree(int(root.Fd()), w.scratch)
}

// close closes the roots that no run uses; those of runs in flight are closed with them.
func (w *workspaces) close() {
	if w == nil || w.volume {
		return
	}
	for {
		select {
		case root := <-w.free:
			_ = root.Close() // a directory
		default:
			return
		}
	}
}

// where a launch may mount workspaces: the first of these folders that is there, and is not
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
		// A mount would keep them from their owner. Here a run could change their modes.
		for _, path := range slices.Concat(py.ReadOnlyPaths, py.Exec) {
			var st unix.Stat_t
			if err := unix.Stat(path, &st); err == nil && int(st.Uid) == p.uid {
				return refuse(fmt.Sprintf("%s belongs to uid %d, which is its programs'", path, p.uid), "Let somebody else own the interpreter's files")
			}
		}
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
