//go:build linux

package pod

import (
	"net/http"
	"syscall"
	"testing"
	"time"

	"codecell/test/e2e/cell"
)

// SIGTERM while a program runs: its caller has the answer, nobody else's program
// is run any more (who waits in queue-proxy is sent on when the one before has
// its reply, the last of them when the server would be gone if it did not wait
// for them), and the server ends by itself, with 0, long before it would be killed.
func TestDrain(t *testing.T) {
	p := startPod(t)
	running := p.send(t, cell.Request{Code: "print('begun')\nwhile True: pass", Timeout: 2})
	p.awaitRun(t)
	var waiting []<-chan reply
	for range 10 { // as many as queue-proxy holds
		waiting = append(waiting, p.send(t, cell.Request{Code: "print('waited')"}))
	}

	term := time.Now()
	if err := syscall.Kill(p.server.Proc.PID, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, "drain", func() bool {
		ready, err := p.inside.Get(t.Context(), "/readyz")
		return err == nil && ready.Status == http.StatusServiceUnavailable
	})
	direct, err := p.inside.Execute(t.Context(), cell.Request{Code: "print('new')"})
	if err != nil || direct.Status != http.StatusServiceUnavailable || direct.Problem() != "draining" {
		t.Errorf("a new request to the server: %v, %v, want 503 draining", direct, err)
	}

	ran := <-running
	if ran.err != nil || ran.Status != http.StatusOK || ran.Outcome != "timeout" || ran.Stdout != "begun\n" {
		t.Errorf("the run in flight: %v, %v, want its output", ran.Answer, ran.err)
	}
	var slowest time.Duration
	for _, one := range waiting {
		waited := <-one
		if waited.err != nil || waited.Status != http.StatusServiceUnavailable || waited.Problem() != "draining" {
			t.Errorf("who waited in queue-proxy: %v, %v, want 503 draining", waited.Answer, waited.err)
		}
		slowest = max(slowest, waited.took)
	}
	select {
	case <-p.server.Exited():
	case <-time.After(15 * time.Second):
		t.Fatal("still there 15 s after the last run")
	}
	ended := time.Since(term)
	if err := p.server.Stop(); err != nil {
		t.Errorf("the server: %v, want exit code 0", err)
	}

	table := cell.NewTable("after SIGTERM", "answer", "when")
	table.Row("a new request, straight to the server", direct.Status, "at once")
	table.Row("the run in flight, through queue-proxy", ran.Status, "at its end, "+ran.took.Round(time.Millisecond).String())
	table.Row("the 10 who waited in queue-proxy", "503 draining", "the last after "+slowest.Round(time.Millisecond).String())
	table.Row("the server", "exit code 0", ended.Round(time.Millisecond))
	table.Print(t.Output())
}

// A run that lasts longer than the drain is killed, its caller told that it may
// be sent again, and the server has ended within what it promises: the drain
// and, of the manifest's grace period, less than 2 s more.
func TestDrainKills(t *testing.T) {
	const drain, after = time.Second, 1700 * time.Millisecond
	p := startPod(t, "SANDBOX_DRAIN_TIMEOUT="+drain.String())
	running := p.send(t, cell.Request{Code: "while True: pass", Timeout: 30})
	p.awaitRun(t)
	term := time.Now()
	if err := syscall.Kill(p.server.Proc.PID, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	killed := <-running
	if killed.err != nil || killed.Status != http.StatusServiceUnavailable || killed.Problem() != "draining" || killed.Header.Get("Retry-After") == "" {
		t.Errorf("the run: %v, %v, want 503 draining with Retry-After", killed.Answer, killed.err)
	}
	select {
	case <-p.server.Exited():
	case <-time.After(15 * time.Second):
		t.Fatal("still there 15 s after the kill")
	}
	if took := time.Since(term); took < drain || took > drain+after {
		t.Errorf("the server ended after %v, want %v and at most %v more", took, drain, after)
	}
	if err := p.server.Stop(); err != nil {
		t.Errorf("the server: %v, want exit code 0", err)
	}
}
