//go:build linux

package contract

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// A binary is one of the two mains, built.
type binary struct {
	name       string
	path       string
	args       []string
	namespaces uintptr // new ones to start it in
}

// The two mains. serve has limits of its own that the framework's lacks: the
// time for headers, idle connections, the connection cap.
var (
	serve     = binary{name: "serve", args: []string{"serve"}}
	framework = binary{name: "framework"}
)

// onGVisor says that the kernel is gVisor. TestGVisorContract in test/e2e sets it.
var onGVisor = os.Getenv("CODECELL_TEST_KERNEL") == "gvisor"

// slowness is how many times as long a program may take to end by itself: under gVisor a
// page that it touches for the first time costs three times as much.
var slowness = func() int {
	if onGVisor {
		return 2
	}
	return 1
}()

// both is filled in by TestMain.
var both []binary

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	flag.Parse()
	dir := os.Getenv("CONTRACT_BIN")
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "contract-"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		if err := os.Chmod(dir, 0o755); err != nil { // the launcher runs as another user
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		build := exec.Command("go", "build", "-trimpath", "-o", dir+"/", "codecell/cmd/codecell", "codecell/cmd/framework")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%v: %v\n%s", build.Args, err, out)
			return 1
		}
	}
	serve.path = filepath.Join(dir, "codecell")
	framework.path = filepath.Join(dir, "framework")
	both = []binary{serve, framework}
	code := m.Run()
	if code == 0 && wholeSuite() {
		for _, missing := range unreached() {
			fmt.Fprintln(os.Stderr, "documented, but no test has met it:", missing)
			code = 1
		}
	}
	return code
}

// seeSources looks at every file that the binaries are built from. go test keeps
// a result for as long as the files that the test looked at stay as they were,
// and would not know of these.
var seeSources = sync.OnceValue(func() error {
	for _, dir := range []string{"../../cmd", "../../function", "../../sandbox"} {
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if err == nil {
				_, err = os.Stat(path)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
})

// wholeSuite says whether every test ran: only then must every documented
// status have been met.
func wholeSuite() bool {
	for _, name := range []string{"test.run", "test.skip", "test.list"} {
		if f := flag.Lookup(name); f != nil && f.Value.String() != "" {
			return false
		}
	}
	return !testing.Short()
}
