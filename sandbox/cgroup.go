package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// containerMemory is what the kernel lets this process charge, and who says so.
type containerMemory struct {
	limit  int64         // bytes
	cgroup *memoryCgroup // whose limit that is; nil: nothing but RAM limits us
}

// String names where the limit stands.
func (m containerMemory) String() string {
	if m.cgroup == nil {
		return "RAM"
	}
	return m.cgroup.String()
}

// memoryCgroup is a cgroup with a memory limit that we live in. The charge that
// counts against the limit must be read in the same directory: a child's leaves
// out our siblings.
type memoryCgroup struct {
	version int    // 1 or 2
	dir     string // absolute
	limit   int64  // bytes
}

func (c *memoryCgroup) String() string { return fmt.Sprintf("cgroup v%d %s", c.version, c.dir) }

// findMemory finds the smallest memory limit that binds this process: in its
// own cgroup or in any of that cgroup's visible ancestors, else RAM. Root is
// the file system from "/": /proc/self/cgroup says where we are in each
// hierarchy, /proc/self/mountinfo which part of a hierarchy is visible and
// where; see cgroups(7) and cgroup_namespaces(7).
//
// What is not mounted limits us unseen, with one exception: a v1 cgroup knows
// the least limit of all its ancestors. A limit of at least RAM is none: v1
// writes "unlimited" as 2^63 less a page.
//
// A file that is there and can't be read or understood is an error: to guess
// would be to promise memory that we may not have.
func findMemory(root fs.FS) (containerMemory, error) {
	ram, err := memTotal(root)
	if err != nil {
		return containerMemory{}, err
	}
	found := containerMemory{limit: ram}
	paths, err := cgroupPaths(root)
	if err != nil {
		return containerMemory{}, err
	}
	mounts, err := cgroupMounts(root)
	if err != nil {
		return containerMemory{}, err
	}
	for _, m := range mounts {
		for _, dir := range m.lineage(paths[m.version]) {
			limit, err := m.limitIn(root, dir)
			if err != nil {
				return containerMemory{}, err
			}
			// Of two equal limits the outer one is reached first, and
			// lineage goes from the inside out: hence <=.
			if limit < ram && limit <= found.limit {
				found = containerMemory{limit: limit, cgroup: &memoryCgroup{m.version, dir, limit}}
			}
		}
	}
	return found, nil
}

// memTotal returns the machine's memory in bytes. gVisor and lxcfs show the
// container's there.
func memTotal(root fs.FS) (int64, error) {
	data, err := fs.ReadFile(root, "proc/meminfo")
	if err != nil {
		return 0, fmt.Errorf("memory limit: %w", err)
	}
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "MemTotal:" && f[2] == "kB" {
			kib, err := strconv.ParseInt(f[1], 10, 53)
			if err != nil {
				return 0, fmt.Errorf("memory limit: /proc/meminfo: MemTotal: %w", err)
			}
			return kib << 10, nil
		}
	}
	return 0, errors.New("memory limit: /proc/meminfo has no MemTotal")
}

// cgroupPaths returns our place in the hierarchy that has the v1 memory
// controller, and in the v2 hierarchy, by version; "" where there is none. Each
// line of /proc/self/cgroup is ID:CONTROLLERS:PATH, and "0::PATH" is v2. The
// path is as seen from our cgroup namespace, so it may begin with "/..".
func cgroupPaths(root fs.FS) (paths [3]string, err error) {
	data, err := readOptional(root, "proc/self/cgroup")
	if err != nil {
		return paths, err
	}
	for line := range strings.Lines(string(data)) {
		id, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		controllers, where, ok := strings.Cut(rest, ":")
		switch {
		case !ok:
		case id == "0" && controllers == "":
			paths[2] = where
		case slices.Contains(strings.Split(controllers, ","), "memory"):
			paths[1] = where
		}
	}
	return paths, nil
}

// cgroupMount is one mount of a hierarchy that may have the memory controller.
type cgroupMount struct {
	version int
	root    string // the cgroup that is mounted, as seen from our cgroup namespace
	point   string // the directory on which it is mounted
}

// cgroupMounts returns the v2 mounts and the v1 mounts of the memory
// controller. A line of /proc/self/mountinfo, see proc_pid_mountinfo(5):
//
//	35 31 0:32 /docker/1f2e /sys/fs/cgroup/memory ro,noexec shared:9 - cgroup cgroup rw,memory
//	           root         mount point           options   optional   type   source super options
func cgroupMounts(root fs.FS) ([]cgroupMount, error) {
	data, err := readOptional(root, "proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	var mounts []cgroupMount
	for line := range strings.Lines(string(data)) {
		mount, super, ok := strings.Cut(line, " - ")
		m, s := strings.Fields(mount), strings.Fields(super)
		if !ok || len(m) < 6 || len(s) < 3 {
			continue
		}
		found := cgroupMount{root: unescapeMount(m[3]), point: unescapeMount(m[4])}
		switch {
		case s[0] == "cgroup2":
			found.version = 2
		case s[0] == "cgroup" && slices.Contains(strings.Split(s[2], ","), "memory"):
			found.version = 1
		default:
			continue
		}
		mounts = append(mounts, found)
	}
	return mounts, nil
}

// unescapeMount undoes the kernel's octal escapes of space, tab, newline and
// backslash.
var unescapeMount = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace

// lineage returns the directories, from the inside out, of the cgroup at where
// and of its ancestors, as far as this mount shows them.
func (m cgroupMount) lineage(where string) []string {
	if where == "" {
		return nil // no such hierarchy, or its controllers are elsewhere
	}
	below, visible := within(m.root, where)
	if !visible {
		return nil
	}
	var dirs []string
	for ; below != "."; below = path.Dir(below) {
		dirs = append(dirs, path.Join(m.point, below))
	}
	return append(dirs, m.point)
}

// within returns the way from the cgroup root down to the cgroup where, "." if
// they are the same, and whether root is where or an ancestor of it. Both are
// relative to our cgroup namespace: outside of it the names are hidden, and
// each level up is "/..". From such a root down to us the way is hidden too; it
// is answered as ".", for the limits of root itself bind us all the same.
func within(root, where string) (below string, ok bool) {
	up, base := climb(root)
	climbed, rest := climb(where)
	switch {
	case up == climbed && rest == base, up > climbed && base == "":
		return ".", true
	case up == climbed && base == "":
		return rest, true
	case up == climbed && strings.HasPrefix(rest, base+"/"):
		return rest[len(base)+1:], true
	}
	return "", false
}

// climb splits "/../../a/b" into 2 and "a/b".
func climb(cgroup string) (levels int, rest string) {
	rest = strings.Trim(cgroup, "/")
	for rest == ".." || strings.HasPrefix(rest, "../") {
		levels, rest = levels+1, strings.TrimPrefix(rest[2:], "/")
	}
	return levels, rest
}

// limitIn returns the limit that stands in dir in bytes, noLimit if there is none.
func (m cgroupMount) limitIn(root fs.FS, dir string) (int64, error) {
	if m.version == 2 {
		// The root cgroup has no memory.max, nor has any cgroup of a
		// hierarchy without the memory controller.
		return readLimit(root, path.Join(dir, "memory.max"))
	}
	limit, err := readLimit(root, path.Join(dir, "memory.limit_in_bytes"))
	if err != nil {
		return 0, err
	}
	least, err := v1Least(root, path.Join(dir, "memory.stat"))
	return min(limit, least), err
}

// noLimit is more than any limit, and more than RAM.
const noLimit = 1<<63 - 1

// readLimit reads a limit in bytes. No such file and "max" are noLimit.
func readLimit(root fs.FS, name string) (int64, error) {
	data, err := readOptional(root, name)
	if err != nil {
		return 0, err
	}
	text := strings.TrimSpace(string(data))
	if text == "" || text == "max" {
		return noLimit, nil
	}
	return parseLimit(name, text)
}

// v1Least returns the least limit of a v1 cgroup and all its ancestors, those
// outside the mount included.
func v1Least(root fs.FS, name string) (int64, error) {
	data, err := readOptional(root, name)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(data)) {
		if text, ok := strings.CutPrefix(line, "hierarchical_memory_limit "); ok {
			return parseLimit(name, strings.TrimSpace(text))
		}
	}
	return noLimit, nil
}

func parseLimit(name, text string) (int64, error) {
	limit, err := strconv.ParseInt(text, 10, 64)
	if err != nil || limit < 0 {
		return 0, fmt.Errorf("memory limit: %s: not a number of bytes: %q", name, text)
	}
	return limit, nil
}

// readOptional reads a file of root by its absolute name. No such file is empty.
func readOptional(root fs.FS, name string) ([]byte, error) {
	data, err := fs.ReadFile(root, strings.TrimPrefix(name, "/"))
	// ENOTDIR: something else is mounted over a directory of the path.
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("memory limit: %w", err)
	}
	return data, nil
}
