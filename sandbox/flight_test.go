//go:build linux

package sandbox

import (
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestParkedRunThatDiedServesNobody: not even when its end was not reported yet.
func TestParkedRunThatDiedServesNobody(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	mustRun(t, s, "print(42)")
	for range 20 {
		z := current(s)
		z.mu.Lock()
		parked := z.parked
		z.mu.Unlock()
		if parked != nil {
			<-parked.run.started
			_ = unix.PidfdSendSignal(parked.run.pidfd, unix.SIGKILL, nil, 0) // as the kernel may
			eventually(t, 10*time.Second, "the parked run is gone", parked.run.gone)
		}
		if res := mustRun(t, s, "print(42)"); string(res.Stdout.Data) != "42\n" {
			t.Fatalf("%+v", res)
		}
	}
}

// TestClosingDoesNotWaitForAStart: a zygote that is still starting is ended too.
func TestClosingDoesNotWaitForAStart(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.end()
	if z, err := s.keeper.startZygote(); err == nil {
		z.kill("test")
		<-z.dead
		t.Error("a zygote started after the end")
	}
}

// TestLongRefusalsAreTold: whatever the letters of what is refused.
func TestLongRefusalsAreTold(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	code := strings.Repeat("import "+strings.Repeat("\U00010330", 90)+"\n", 120)
	_, err := s.Run(t.Context(), Job{Code: code + strings.Replace(code, "\U00010330", "\U00010331", 1) + "print(1)"})
	var refused *PolicyError
	if !errors.As(err, &refused) {
		t.Errorf("error %v, want a *PolicyError", err)
	}
}
