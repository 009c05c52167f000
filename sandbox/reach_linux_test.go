package sandbox

import (
	"io/fs"
	"path"
	"strings"
	"testing"
)

// A tree of files that need not exist: path to inode.
type fakeTree map[string]inode

func (tree fakeTree) lookup(name string) (inode, error) {
	node, ok := tree[name]
	if !ok {
		return inode{}, &fs.PathError{Op: "lstat", Path: name, Err: fs.ErrNotExist}
	}
	return node, nil
}

func TestReach(t *testing.T) {
	dir := func(mode fs.FileMode, uid, gid int) inode { return inode{mode: fs.ModeDir | mode, uid: uid, gid: gid} }
	file := func(mode fs.FileMode, uid, gid int) inode { return inode{mode: mode, uid: uid, gid: gid} }
	link := func(to string) inode { return inode{mode: fs.ModeSymlink | 0o777, link: to} }
	const user, group = 65533, 65532
	tree := fakeTree{
		"/":                     dir(0o755, 0, 0),
		"/usr":                  dir(0o755, 0, 0),
		"/usr/bin":              dir(0o755, 0, 0),
		"/usr/bin/python3":      link("python3.11"),
		"/usr/bin/python3.11":   file(0o755, 0, 0),
		"/usr/bin/plain":        file(0o644, 0, 0),
		"/usr/bin/unread":       file(0o711, 0, 0),
		"/usr/bin/mine":         file(0o500, user, 0),
		"/usr/bin/not-mine":     file(0o077, user, group),
		"/usr/bin/groups":       file(0o050, 0, group),
		"/usr/bin/not-groups":   file(0o707, 0, group),
		"/bin":                  link("usr/bin"),
		"/root":                 dir(0o700, 0, 0),
		"/root/bin":             dir(0o755, 0, 0),
		"/root/bin/python3":     file(0o755, 0, 0),
		"/opt":                  dir(0o711, 0, 0),
		"/opt/bin":              dir(0o755, 0, 0),
		"/opt/bin/python3":      link("/root/bin/python3"),
		"/opt/bin/up":           link("../../usr/./bin//python3"),
		"/opt/bin/out":          link("../../../../../usr/bin/python3"),
		"/opt/bin/dangling":     link("nothing"),
		"/opt/bin/loop":         link("loop"),
		"/opt/bin/through":      link("/usr/bin/plain/x"),
		"/opt/unlisted":         dir(0o711, 0, 0),
		"/opt/unlisted/python3": file(0o755, 0, 0),
		"/opt/listed":           dir(0o744, 0, 0),
		"/opt/sticky":           dir(fs.ModeSticky|0o700, 0, 0),
	}
	r := reach{uid: user, gid: group, lookup: tree.lookup}
	for _, tt := range []struct {
		path string
		want fs.FileMode
		to   string // where it leads, or
		err  string // what closes it
	}{
		{"/usr/bin/python3.11", toRead | toExecute, "/usr/bin/python3.11", ""},
		{"/usr/bin/python3", toRead | toExecute, "/usr/bin/python3.11", ""},
		{"/bin/python3", toRead | toExecute, "/usr/bin/python3.11", ""},
		{"//bin/./python3", toRead, "/usr/bin/python3.11", ""},
		{"/opt/bin/up", toRead, "/usr/bin/python3.11", ""},
		{"/opt/bin/out", toRead, "/usr/bin/python3.11", ""},
		{"/usr", toRead, "/usr", ""},
		{"/bin", toRead, "/usr/bin", ""},
		{"/", toRead, "/", ""},
		{"/opt/unlisted/python3", toRead | toExecute, "/opt/unlisted/python3", ""},

		{"/root/bin/python3", toRead, "", "user 65533 can't enter /root (mode 0700)"},
		{"/opt/bin/python3", toRead, "", "user 65533 can't enter /root (mode 0700)"},
		{"/root/nothing", toRead, "", "user 65533 can't enter /root (mode 0700)"},
		{"/root", toRead, "", "user 65533 can't read /root (mode 0700)"},
		{"/opt/unlisted", toRead, "", "user 65533 can't read /opt/unlisted (mode 0711)"},
		{"/opt/listed", toRead, "", "user 65533 can't execute /opt/listed (mode 0744)"},
		{"/opt/sticky", toRead, "", "user 65533 can't read /opt/sticky (mode 0700)"},
		{"/usr/bin/plain", toRead, "/usr/bin/plain", ""},
		{"/usr/bin/plain", toRead | toExecute, "", "user 65533 can't execute /usr/bin/plain (mode 0644)"},
		{"/usr/bin/unread", toExecute, "/usr/bin/unread", ""},
		{"/usr/bin/unread", toRead | toExecute, "", "user 65533 can't read /usr/bin/unread (mode 0711)"},

		// One class of bits decides, the first that fits, even where a later one gives more.
		{"/usr/bin/mine", toRead | toExecute, "/usr/bin/mine", ""},
		{"/usr/bin/not-mine", toRead, "", "user 65533 can't read /usr/bin/not-mine (mode 0077)"},
		{"/usr/bin/groups", toRead | toExecute, "/usr/bin/groups", ""},
		{"/usr/bin/not-groups", toRead, "", "user 65533 can't read /usr/bin/not-groups (mode 0707)"},

		{"/opt/bin/dangling", toRead, "", "lstat /opt/bin/nothing: file does not exist"},
		{"/nothing", toRead, "", "lstat /nothing: file does not exist"},
		{"/opt/bin/loop", toRead, "", "follow /opt/bin/loop: too many levels of symbolic links"},
		{"/opt/bin/through", toRead, "", "enter /usr/bin/plain: not a directory"},
		{"usr/bin/python3", toRead, "", `"usr/bin/python3" is not an absolute path`},
		{"", toRead, "", `"" is not an absolute path`},
	} {
		t.Run(strings.TrimPrefix(tt.path, "/"), func(t *testing.T) {
			got, err := r.to(tt.path, tt.want)
			if tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Errorf("leads to %q, error %v, want %s", got, err, tt.err)
				}
				return
			}
			if err != nil || got != tt.to {
				t.Errorf("leads to %q, error %v, want %s", got, err, tt.to)
			}
		})
	}
}

// The same answers from the real file system.
func TestLookup(t *testing.T) {
	for _, name := range []string{"/", "/proc", "/proc/self", path.Join("/proc", "self", "exe")} {
		node, err := lookup(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		isLink := strings.HasPrefix(name, "/proc/self")
		if (node.mode.Type() == fs.ModeSymlink) != isLink || (node.link != "") != isLink {
			t.Errorf("%s: %+v", name, node)
		}
	}
	if _, err := lookup("/no/such/file"); err == nil {
		t.Error("found /no/such/file")
	}
}
