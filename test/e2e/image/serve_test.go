//go:build e2e && linux

package image

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"codecell/test/e2e/cell"
	"codecell/test/memory"
)

// TestServes: started as Knative starts it, it runs a program, is not root, can
// write nowhere, and ends in order.
func TestServes(t *testing.T) {
	c, client := serve(t, "minimal", memory.Options{Image: requireImage(t), MemoryMiB: 704})
	answer, err := client.Execute(t.Context(), cell.Request{Code: "import statistics\nprint(statistics.mean([1, 2, 3]))"})
	if err != nil || !answer.OK("2\n") {
		t.Errorf("%v, %v", answer, err)
	}

	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.Server.PID))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"Uid:\t65532\t65532\t65532\t65532\n", "CapEff:\t0000000000000000\n", "NoNewPrivs:\t1\n"} {
		if !strings.Contains(string(status), line) {
			t.Errorf("no %q in its status:\n%s", line, status)
		}
	}
	// Even for root, who looks in from outside.
	root := procRoot(c)
	for _, dir := range []string{"", "tmp", "var/tmp", "run", "usr/local/bin"} {
		if err := os.WriteFile(root+dir+"/codecell-was-here", nil, 0o600); !errors.Is(err, syscall.EROFS) {
			t.Errorf("writing to /%s: %v", dir, err)
		}
	}
	if err := c.Stop(); err != nil {
		t.Error(err)
	}
}

// serve starts a container as Knative does, for as long as the test lasts.
func serve(t *testing.T, profile string, o memory.Options) (*memory.Container, *cell.Client) {
	t.Helper()
	name := fmt.Sprintf("codecell-image-%d", os.Getpid())
	t.Cleanup(func() {
		if err := memory.RemoveParent("/" + name); err != nil {
			t.Error(err)
		}
	})
	o.Parent, o.Slots, o.CPU = "/"+name, "1", memory.Quota
	o.Seccomp = absolute(t, "../../prove/containerd.json")
	o.Profile = absolute(t, "../../../sandbox/profiles/"+profile+".yaml")
	c, err := memory.Start(t.Context(), o, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Kill)
	client := (&cell.Server{URL: c.URL}).Client(time.Minute)
	t.Cleanup(client.Close)
	return c, client
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// procRoot is the container's root folder, as root sees it from outside.
func procRoot(c *memory.Container) string { return fmt.Sprintf("/proc/%d/root/", c.Server.PID) }
