//go:build linux

package contract

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"

	"codecell/test/e2e/cell"
)

// As PID 1 of a container the server reaps what others leave behind, and still
// learns the fate of its own runs.
func TestReapsAsInit(t *testing.T) {
	t.Parallel()
	requireRoot(t, "a PID namespace with its own /proc")
	// sh becomes PID 1, and then the server does.
	bin := binary{
		name: "init", path: "/bin/sh", namespaces: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS,
		args: []string{"-c", `mount --make-rprivate / && mount -t proc proc /proc && exec "$0" serve`, serve.path},
	}
	s := start(t, bin, "SANDBOX_LOG_LEVEL=warn")

	// A process whose parent ends before it: its own end is then PID 1's to see.
	const seconds = "0.0731" // a name of its own
	enter := exec.Command("nsenter", "--target", fmt.Sprint(s.pid), "--pid", "--mount", "sh", "-c", "sleep "+seconds+" & echo $!")
	if out, err := enter.CombinedOutput(); err != nil {
		t.Fatalf("nsenter: %v: %s", err, out)
	}
	deadline := time.After(answerTime)
	for tick := time.Tick(poll); ; {
		family, err := cell.Descendants(s.pid)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(family, func(p cell.Proc) bool { return p.Comm == "sleep" }) {
			break
		}
		// It runs on for a moment; what may not last is a zombie.
		select {
		case <-tick:
		case <-deadline:
			t.Fatalf("an orphan is left: %v", family)
		}
		wantRan(t, s.retry(t, program{Code: "print(1)"}.request()))
	}
	for range 20 {
		wantStatus(t, get("/readyz"), s.do(t, get("/readyz")), http.StatusOK)
		wantPrinted(t, s.do(t, program{Code: "print(1)"}.request()), "1\n")
	}

	// A zygote that dies with a run and a parked one leaves nobody behind, not even a zombie.
	busy := s.occupy(t, endless)
	family := s.awaitFamily(t, 3)
	for _, p := range family {
		if p.Parent == s.pid {
			if err := syscall.Kill(p.PID, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
	}
	wantStatus(t, endless.request(), s.answer(t, busy, endless.request(), answerTime), http.StatusServiceUnavailable)
	for _, p := range family {
		if p.Exists() {
			t.Errorf("left of the zygote that was killed: %v", p)
		}
	}
	for deadline := time.After(answerTime); s.do(t, get("/readyz")).Status != http.StatusOK; {
		select {
		case <-deadline:
			t.Fatal("no other zygote")
		case <-time.After(poll):
		}
	}
	wantPrinted(t, s.do(t, program{Code: "print(2)"}.request()), "2\n")
	s.signal(t, syscall.SIGTERM)
	s.wantGoodEnd(t, 5*time.Second)
}

// requireRoot skips a test for want of root, by name.
func requireRoot(t *testing.T, purpose string) {
	t.Helper()
	if uid := os.Getuid(); uid != 0 {
		t.Skipf("want root (for %s), have uid %d", purpose, uid)
	}
}
