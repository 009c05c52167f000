package launch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// mount makes the file systems and sends a descriptor of each to the server. The caller
// has CAP_SYS_ADMIN over its mount namespace and nobody's files to lose in it.
func (w Workspaces) mount() error {
	// What is mounted here must not appear anywhere else (mount_namespaces(7)).
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make / private: %w", err)
	}
	// Nothing that is here already can be changed, by its owner either, nor the time at which
	// it was last read.
	readOnly := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	if err := unix.MountSetattr(unix.AT_FDCWD, "/", unix.AT_RECURSIVE, &readOnly); err != nil {
		return fmt.Errorf("make / read-only: %w", err)
	}
	if err := w.hideRest(); err != nil {
		return err
	}
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	if err := unix.Mount("codecell", w.Base, "tmpfs", flags, fmt.Sprintf("size=4k,nr_inodes=%d,mode=0711", w.Mounts+8)); err != nil {
		return fmt.Errorf("mount a tmpfs on %s: %w", w.Base, err)
	}
	for i := range w.Mounts {
		dir := filepath.Join(w.Base, strconv.Itoa(i))
		if err := os.Mkdir(dir, 0o711); err != nil {
			return err
		}
		if err := unix.Mount("codecell", dir, "tmpfs", flags, fmt.Sprintf("size=%d,nr_inodes=%d,mode=0711", w.Size, w.Inodes)); err != nil {
			return fmt.Errorf("mount a tmpfs on %s: %w", dir, err)
		}
		if i == 0 {
			scratch := filepath.Join(dir, Scratch)
			if err := errors.Join(os.Mkdir(scratch, 0o777), os.Chmod(scratch, 0o777)); err != nil { // whatever the umask
				return err
			}
		}
		if err := sendFolder(dir); err != nil {
			return fmt.Errorf("tell the server of %s: %w", dir, err)
		}
	}
	if err := unix.Mount("", w.Base, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|flags, ""); err != nil {
		return fmt.Errorf("make %s read-only: %w", w.Base, err)
	}
	return nil
}

func sendFolder(dir string) error {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Sendmsg(SocketFD, []byte{WorkspaceTag}, unix.UnixRights(fd), nil, 0)
}

// system are the folders of the root that programs and their libraries are installed
// in, with links into one another. They stay as they are.
var system = []string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"}

// hideRest leaves of the root's other folders what is in Keep: Landlock keeps files from
// being opened, but not stat from saying that they are there, and /proc from saying who
// else is.
func (w Workspaces) hideRest() error {
	entries, err := os.ReadDir("/")
	if err != nil {
		return err
	}
	for _, e := range entries {
		dir := "/" + e.Name()
		if !e.IsDir() || dir == w.Base || slices.Contains(system, dir) {
			continue
		}
		if err := w.hide(dir); err != nil {
			return fmt.Errorf("hide %s: %w", dir, err)
		}
	}
	return nil
}

// hide covers one folder with one that has nothing in it but what is in Keep.
func (w Workspaces) hide(dir string) error {
	trees := map[string]int{} // what is kept, as it is now
	for _, path := range w.Keep {
		if !strings.HasPrefix(path, dir+"/") {
			continue
		}
		tree, err := unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
		if err != nil {
			return fmt.Errorf("keep %s: %w", path, err)
		}
		defer unix.Close(tree)
		trees[path] = tree
	}
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	err := unix.Mount("codecell", dir, "tmpfs", flags, "size=64k,nr_inodes=256,mode=0755")
	if errors.Is(err, unix.EACCES) && len(trees) == 0 {
		return nil // a folder that this process may not enter shows nothing to a run either
	}
	if err != nil {
		return err
	}
	for path, tree := range trees {
		if err := place(tree, path); err != nil {
			return fmt.Errorf("keep %s: %w", path, err)
		}
	}
	return unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|flags, "")
}

// place attaches a tree at path, which is not there yet.
func place(tree int, path string) error {
	var st unix.Stat_t
	if err := unix.Fstat(tree, &st); err != nil {
		return err
	}
	parent := filepath.Dir(path)
	if err := os.MkdirAll(parent, 0o755); err != nil { //nolint:gosec // to be passed through by runs
		return err
	}
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		if err := os.Mkdir(path, 0o755); err != nil { //nolint:gosec // as above
			return err
		}
	} else if err := os.WriteFile(path, nil, 0o600); err != nil {
		return err
	}
	return unix.MoveMount(tree, "", unix.AT_FDCWD, path, unix.MOVE_MOUNT_F_EMPTY_PATH)
}
