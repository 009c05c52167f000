//go:build linux

package sandbox

import (
	"strings"
	"testing"
	"time"
)

// TestLongProgramsArriveWhole: longer than a socket buffer, and read by a run or not.
func TestLongProgramsArriveWhole(t *testing.T) {
	t.Parallel()
	s := sharedSandbox(t)
	for _, size := range []int{0, 1 << 10, 200 << 10, 1<<20 - 1} {
		code := "x = " + strings.Repeat(" ", size) + "42\nprint(x)"
		if res := mustRun(t, s, code); string(res.Stdout.Data) != "42\n" {
			t.Errorf("%d bytes: %q %q", len(code), res.Stdout.Data, res.Stderr.Data)
		}
	}
}

// TestChatterOnControlEndsAtTheDeadline: nobody listens to a run before its end.
func TestChatterOnControlEndsAtTheDeadline(t *testing.T) {
	t.Parallel()
	s := sharedSandbox(t)
	res, err := s.Run(t.Context(), Job{
		Code:   "import os\nprint('talks')\nwhile True: os.write(3, bytes(65536))",
		Limits: Limits{Timeout: 500 * time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	if !res.TimedOut || string(res.Stdout.Data) != "talks\n" {
		t.Errorf("%+v", res)
	}
}
