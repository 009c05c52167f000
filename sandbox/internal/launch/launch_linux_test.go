package launch

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// launched starts a launch, gives it one message and returns its process and
// what it says before its socket closes.
func launched(t *testing.T, message []byte) (said []byte, state *os.ProcessState) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "theirs")
	defer ours.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Args = []string{Arg0}
	cmd.Env = []string{}
	cmd.ExtraFiles = []*os.File{theirs, null} // SocketFD, ProcSelfFD
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	if _, err := ours.Write(message); err != nil {
		t.Error(err)
	}
	buf := make([]byte, maxSpec)
	n, err := ours.Read(buf)
	if err != nil {
		t.Error(err)
	}
	_ = cmd.Wait() // its status is what the caller looks at
	return buf[:n], cmd.ProcessState
}

// fit is a Spec that asks for nothing that a machine may not have.
func fit() Spec {
	return Spec{Path: "/bin/sh", Args: []string{"sh"}, Env: []string{}, UID: os.Getuid(), GID: os.Getgid(), Files: 64}
}

func TestLaunchNamesTheStepThatFailed(t *testing.T) {
	t.Parallel()
	edited := func(edit func(*Spec)) []byte {
		spec := fit()
		edit(&spec)
		message, err := json.Marshal(spec)
		if err != nil {
			t.Fatal(err)
		}
		return message
	}
	abi, err := LandlockABI()
	if err != nil {
		abi = 0
	}
	for _, c := range []struct {
		step, text string
		message    []byte
		skip       bool
	}{
		{step: "spec", text: "invalid character", message: []byte("not JSON")},
		{step: "spec", text: "cannot unmarshal", message: []byte(`{"path": 1}`)},
		{step: "exec", text: "/nonexistent/python3: no such file", message: edited(func(s *Spec) { s.Path = "/nonexistent/python3" })},
		{step: "namespace_user", text: "/proc/self/setgroups", message: edited(func(s *Spec) { s.SelfMap = true })},
		{step: "uid", text: "setgroups: operation not permitted", message: edited(func(s *Spec) { s.Drop = true }), skip: os.Geteuid() == 0},
		{step: "landlock", text: "open /nonexistent", message: edited(func(s *Spec) {
			s.LandlockABI, s.Read = abi, []string{"/nonexistent"}
		}), skip: abi == 0},
		{step: "landlock", text: "create ruleset", message: edited(func(s *Spec) { s.LandlockABI = 99 }), skip: abi > 0},
		// What Landlock does not allow can't be executed either.
		{step: "exec", text: "permission denied", message: edited(func(s *Spec) { s.LandlockABI = abi }), skip: abi == 0},
	} {
		t.Run(c.step+" "+c.text, func(t *testing.T) {
			t.Parallel()
			if c.skip {
				t.Skipf("want a machine where this fails; have uid %d, Landlock ABI %d", os.Geteuid(), abi)
			}
			said, state := launched(t, c.message)
			var f Failure
			if len(said) == 0 || said[0] != FailureTag || json.Unmarshal(said[1:], &f) != nil {
				t.Fatalf("said %q", said)
			}
			if f.Step != c.step || !strings.Contains(f.Error, c.text) {
				t.Errorf("%+v, want step %q and %q", f, c.step, c.text)
			}
			if state.ExitCode() != 1 {
				t.Errorf("ended with %v, want status 1", state)
			}
		})
	}
}
