//go:build linux

package pod

import (
	"net/http"
	"strconv"
	"syscall"
	"testing"

	"codecell/test/e2e/cell"
)

// A busy pod stays in rotation; one that drains leaves it.
func TestReadiness(t *testing.T) {
	p := startPod(t)
	table := cell.NewTable("the pod", "readiness through queue-proxy", "/readyz", "/livez")
	defer table.Print(t.Output())
	look := func(state string, wantProbe bool, wantReady, wantLive int) {
		t.Helper()
		probe := p.probe(t)
		ready, err := p.inside.Get(t.Context(), "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		live, err := p.inside.Get(t.Context(), "/livez")
		if err != nil {
			t.Fatal(err)
		}
		said := strconv.Itoa(probe)
		if probe == 0 {
			said = "none in 1 s"
		}
		table.Row(state, said, ready.Status, live.Status)
		if (probe == http.StatusOK) != wantProbe || ready.Status != wantReady || live.Status != wantLive {
			t.Errorf("%s: %s, %d, %d, want ready %t, %d, %d", state, said, ready.Status, live.Status, wantProbe, wantReady, wantLive)
		}
	}
	look("idle", true, http.StatusOK, http.StatusOK)

	running := p.send(t, cell.Request{Code: "while True: pass", Timeout: 5})
	p.awaitRun(t)
	waiting := p.send(t, cell.Request{Code: "print(1)"})
	look("busy, one more waits", true, http.StatusOK, http.StatusOK)

	if err := syscall.Kill(p.server.Proc.PID, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, "drain", func() bool {
		ready, err := p.inside.Get(t.Context(), "/readyz")
		return err == nil && ready.Status == http.StatusServiceUnavailable
	})
	look("draining, the run goes on", false, http.StatusServiceUnavailable, http.StatusOK)
	if got := <-running; got.err != nil || got.Outcome != "timeout" {
		t.Errorf("the run: %v, %v", got.Answer, got.err)
	}
	<-waiting
}
