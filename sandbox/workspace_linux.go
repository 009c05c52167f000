package sandbox

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"sync"

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

	mu     sync.Mutex
	closed bool // what is given back is closed
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
	ws.roots.giveBack(ws.root)
	return err
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

// close closes the roots: now, or with the run that uses one. Of the operator's volume,
// which stays open, it removes what a zygote that did not start has left.
func (w *workspaces) close() {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for {
		select {
		case root := <-w.free:
			w.leave(root)
		default:
			return
		}
	}
}

// giveBack takes a root that a run does not use any more.
func (w *workspaces) giveBack(root *os.File) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		w.leave(root)
		return
	}
	w.free <- root
}

// leave is the end of a root.
func (w *workspaces) leave(root *os.File) {
	if w.volume {
		_ = removeTree(int(root.Fd()), w.scratch) // mostly gone; else the next server removes it
		return
	}
	_ = root.Close() // a directory
}
