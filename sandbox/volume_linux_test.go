package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// requireVolume mounts a tmpfs with these options, as an operator would, and takes it down
// in the end.
func requireVolume(t *testing.T, options string) (path string) {
	t.Helper()
	requireRoot(t)
	path = filepath.Join(t.TempDir(), "volume")
	check(t, os.Mkdir(path, 0o755))
	if err := unix.Mount("volume", path, "tmpfs", 0, options); err != nil {
		t.Skipf("want to mount a tmpfs: %v", err)
	}
	// Runs go by absolute paths, too: those of the test are nobody else's to enter.
	for dir := filepath.Dir(path); dir != "/tmp" && dir != "/"; dir = filepath.Dir(dir) {
		check(t, os.Chmod(dir, 0o755))
	}
	t.Cleanup(func() { check(t, unix.Unmount(path, unix.MNT_DETACH)) })
	return path
}

func TestVolumeThatIsNone(t *testing.T) {
	t.Parallel()
	sound := requireVolume(t, "size=8m,mode=1777")
	for path, want := range map[string]string{
		"work":                       "want an absolute path",
		"/tmp/":                      "want an absolute path",
		sound + "/nowhere":           "no such file",
		filepath.Dir(sound):          "it is no volume, but a folder of",
		requireVolume(t, "size=0"):   "its file system has no size",
		requireVolume(t, "size=80g"): "80 GiB, as if it were a whole disk",
	} {
		folder, _, _, err := openVolume(path)
		if err == nil {
			t.Errorf("%s is taken: %v", path, folder.Close())
		} else if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "SANDBOX_WORKSPACE="+path) {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
	first, size, memory, err := openVolume(sound)
	check(t, err)
	if size != 8<<20 || memory != 8<<20 {
		t.Errorf("%d bytes, %d of memory, want 8 MiB", size, memory)
	}
	if _, _, _, err := openVolume(sound); err == nil || !strings.Contains(err.Error(), "another server works there") {
		t.Errorf("a second server: %v", err)
	}
	check(t, first.Close())
}

// A server removes what one before it left, and nothing else.
func TestVolumeAfterACrash(t *testing.T) {
	t.Parallel()
	path := requireVolume(t, "size=8m,mode=1777")
	check(t, os.MkdirAll(filepath.Join(path, workspaceEntry+"X", "a", "b"), 0o700))
	check(t, os.WriteFile(filepath.Join(path, workspaceEntry+"X", "a", "file"), []byte("x"), 0o600))
	check(t, os.WriteFile(filepath.Join(path, "the operator's"), nil, 0o600))
	folder, _, _, err := openVolume(path)
	check(t, err)
	defer folder.Close()
	left, err := os.ReadDir(path)
	check(t, err)
	if len(left) != 1 || left[0].Name() != "the operator's" {
		t.Errorf("left: %v", left)
	}
}

// Where no mount namespace can be had, workspaces stand in the operator's volume: with its
// size, for one run at a time, and with nothing left in it.
func TestVolume(t *testing.T) {
	requireRoot(t)
	requireWorkspaces(t)
	path := requireVolume(t, "size=8m,mode=1777")
	check(t, os.WriteFile(filepath.Join(path, "the operator's"), []byte("secret"), 0o644))
	c := startChild(t, publicSelf(t), "volume in a container", nil)
	tell := func(text string) {
		if _, err := c.goOn.Write([]byte(text + "\n")); err != nil {
			t.Fatal(err)
		}
	}
	tell(path)
	var said []string
	c.hear(t, &said)
	want := []string{
		"two slots: runs that share a volume could fill it for each other",
		"scratch 8 MiB, slots 1, workspace 8",
		"ok: No space left on device\n[] refused refused unmarked",
		"ok: []\n",
		"left: the operator's",
	}
	if len(said) != len(want) {
		t.Fatalf("%q", said)
	}
	for i, text := range want {
		if got := said[i]; !strings.HasPrefix(got, strings.SplitN(text, ": ", 2)[0]) || !strings.Contains(got, text[strings.Index(text, ": ")+1:]) {
			t.Errorf("got %q, want %q", got, text)
		}
	}
}

func init() {
	childTasks["volume in a container"] = func(t *testing.T) { hide(t, "userns,sysadmin", "volume") }
	childTasks["volume"] = volumeTask
}

// volumeTask starts servers whose workspaces are in the volume that it is told of, and says
// what became of programs there.
func volumeTask(t *testing.T) {
	var path string
	if _, err := fmt.Fscanln(os.Stdin, &path); err != nil {
		t.Fatal(err)
	}
	p, err := LoadProfile("standard")
	check(t, err)
	var said []string
	_, err = New(t.Context(), Config{Profile: p, Workspace: path, Slots: 2})
	said = append(said, fmt.Sprintf("two slots: %v", err))
	s, err := New(t.Context(), Config{Profile: p, Workspace: path, Slots: Auto})
	check(t, err)
	said = append(said, fmt.Sprintf("scratch %d MiB, slots %d, workspace %d", s.Budget().Scratch, s.Budget().Slots, s.Profile().Workspace))
	for _, code := range []string{`
import os
try: open("big", "wb").write(bytes(9 << 20))
except OSError as e: print(e.strerror)
os.remove("big"); print(os.listdir("."), end=" ")
for f in (lambda: open("../the operator's").read(), lambda: os.listdir("..")):
    try: print(f())
    except OSError as e: print("refused", end=" ")
import ctypes, shutil, struct, tarfile
def marks(path): return os.stat(path).st_mode, os.stat(path).st_mtime_ns, os.stat(path).st_atime_ns
now = ctypes.create_string_buffer(struct.pack("4q", 0, (1 << 30) - 1, 0, (1 << 30) - 1))  # UTIME_NOW
for path in (os.devnull, os.__file__):
    before = marks(path)
    with open(path, "rb") as f:
        assert ctypes.CDLL(None).syscall(NUMBER, f.fileno(), None, now, 0) == 0
    os.chmod(path, 0); os.utime(path); os.utime(path, (1, 1))
    if path == os.devnull: assert marks(path) == before, path
    else: assert marks(path)[:2] == before[:2], path
# What would change them as a matter of course goes on.
open("t", "w").write("x"); shutil.copy2("t", "u")
with tarfile.open("t.tar", "w") as tar: tar.add("t")
with tarfile.open("t.tar") as tar: tar.extractall("x")
for gone in ("t", "u", "t.tar", "x/t"): os.remove(gone)
os.rmdir("x"); print("unmarked", end=" ")
os.makedirs("a/b/c"); open("a/b/c/left", "w").write("x"); os.chmod("a", 0)
`, `import os; print(os.listdir("."))`} {
		res, err := s.Run(t.Context(), Job{Code: strings.ReplaceAll(code, "NUMBER", fmt.Sprint(unix.SYS_UTIMENSAT))})
		check(t, err)
		said = append(said, fmt.Sprintf("%s: %s%s", res.Outcome, res.Stdout.Data, res.Stderr.Data))
	}
	check(t, s.Close())
	left, err := os.ReadDir(path)
	check(t, err)
	names := make([]string, len(left))
	for i, e := range left {
		names[i] = e.Name()
	}
	say(t, append(said, "left: "+strings.Join(names, ", ")))
}

// Programs that could not open what stands in the volume by its whole path would fail
// one by one.
func TestVolumeOutOfReach(t *testing.T) {
	requireWorkspaces(t)
	path := requireVolume(t, "size=8m,mode=0700")
	p, err := LoadProfile("standard")
	check(t, err)
	s, err := New(t.Context(), Config{Profile: p, Workspace: path})
	if err == nil {
		t.Fatalf("it starts; %v", s.Close())
	}
	if !strings.Contains(err.Error(), fmt.Sprintf("out of reach of uid %d", runUID)) || !strings.Contains(err.Error(), "mode o+x") {
		t.Error(err)
	}
}

// A run may outlive its zygote by a moment: what it gives back then is closed, unless it
// is the operator's.
func TestRootGivenBackLate(t *testing.T) {
	t.Parallel()
	for _, volume := range []bool{false, true} {
		root, err := os.Open(t.TempDir())
		check(t, err)
		check(t, os.Mkdir(filepath.Join(root.Name(), "scratch"), 0o700))
		w := &workspaces{free: make(chan *os.File, 1), scratch: "scratch", volume: volume}
		w.free <- root
		ws, dir, err := w.take()
		check(t, err)
		check(t, unix.Close(dir))
		w.close()
		check(t, ws.remove())
		left, err := os.ReadDir(root.Name())
		check(t, err)
		if _, closed := root.Stat(); (closed == nil) != volume || volume && len(left) > 0 {
			t.Errorf("volume %t: %v, %v", volume, closed, left)
		}
		_ = root.Close() // or it was closed before
	}
}
