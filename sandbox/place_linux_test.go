package sandbox

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestPlaceIsFitHere(t *testing.T) {
	t.Parallel()
	if err := checkPlace(1, 128); err != nil {
		t.Error(err)
	}
}

// TestPlaceProc: each /proc that won't do is refused in words of its own. That a
// read-only one is, test/e2e shows, which can mount it.
func TestPlaceProc(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, self string
		meminfo    bool
		want       string
	}{
		{"none", "", false, "is not mounted"},
		{"of another namespace", strconv.Itoa(os.Getpid() + 1), true, "another PID namespace's"},
		{"subset=pid", strconv.Itoa(os.Getpid()), false, "no meminfo"},
		{"as it should be", strconv.Itoa(os.Getpid()), true, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			proc := t.TempDir()
			if tt.self != "" {
				check(t, os.Symlink(tt.self, filepath.Join(proc, "self")))
			}
			if tt.meminfo {
				check(t, os.WriteFile(filepath.Join(proc, "meminfo"), nil, 0o600))
			}
			wantSentence(t, checkProc(proc), tt.want)
		})
	}
}

func TestPlaceNull(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "null")
	wantSentence(t, checkNull(file), "no such file")
	check(t, os.WriteFile(file, nil, 0o600))
	wantSentence(t, checkNull(file), "not the null device")
	wantSentence(t, checkNull("/dev/zero"), "not the null device")
	wantSentence(t, checkNull("/dev/null"), "")
}

func TestPlaceLimits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		what  int
		value uint64
		want  string
	}{
		{"enough descriptors", unix.RLIMIT_NOFILE, 64 + 2*14 + 128, ""},
		{"one too few", unix.RLIMIT_NOFILE, 64 + 2*14 + 128 - 1, "RLIMIT_NOFILE (ulimit -n) is 219, want at least 220: 128 connections and 2 runs"},
		{"few processes", unix.RLIMIT_NPROC, 16, "RLIMIT_NPROC (ulimit -u) is 16, want at least"},
		{"small files", unix.RLIMIT_FSIZE, 0, "RLIMIT_FSIZE"},
		{"a day of processor time", unix.RLIMIT_CPU, 86400, "RLIMIT_CPU (ulimit -t) is 86400, want unlimited"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			wantSentence(t, checkLimits(2, 128, func(what int) (unix.Rlimit, error) {
				value := uint64(unix.RLIM_INFINITY)
				if what == tt.what {
					value = tt.value
				}
				return unix.Rlimit{Cur: value, Max: value}, nil
			}), tt.want)
		})
	}
	denied := errors.New("denied")
	if err := checkLimits(1, 1, func(int) (unix.Rlimit, error) { return unix.Rlimit{}, denied }); !errors.Is(err, denied) {
		t.Errorf("limits that can't be read: %v", err)
	}
}

// TestTriesARunFirst: a run whose jail can't be entered is not left for the first
// caller to find out.
func TestTriesARunFirst(t *testing.T) {
	t.Parallel()
	s := start(t, small)
	profile := *s.profile
	profile.Limits.Memory = -1 // no value for a limit
	broken := &Sandbox{profile: &profile, line: s.line}
	if err := s.try(t.Context(), current(s)); err != nil {
		t.Errorf("an empty program: %v", err)
	}
	err := broken.try(t.Context(), current(s))
	var step *SetupError
	if !errors.As(err, &step) || step.Step != "rlimits" {
		t.Errorf("a run whose jail can't be closed: %v, want the step that failed", err)
	}
}

func wantSentence(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("refused: %v", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("%v; want a sentence with %q", err, want)
	}
}
