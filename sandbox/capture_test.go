package sandbox

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestCaptureKeepsTheFirstBytes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		size      int
		truncated bool
	}{
		{"nothing", 0, false},
		{"a little", 10, false},
		{"one less than the limit", CaptureLimit - 1, false},
		{"the limit", CaptureLimit, false},
		{"one more than the limit", CaptureLimit + 1, true},
		{"far more than the limit", 100 * CaptureLimit, true},
	} {
		text := strings.Repeat("0123456789abcdef", c.size/16+1)[:c.size]
		for name, r := range map[string]io.Reader{
			"whole":        strings.NewReader(text),
			"in pieces":    iotest.HalfReader(strings.NewReader(text)),
			"data and EOF": iotest.DataErrReader(strings.NewReader(text)),
		} {
			var capt capture
			capt.drain(r)
			want := text[:min(len(text), CaptureLimit)]
			if string(capt.out.Data) != want || capt.out.Truncated != c.truncated {
				t.Errorf("%s, %s: %d bytes, truncated %t; want %d, %t", c.name, name, len(capt.out.Data), capt.out.Truncated, len(want), c.truncated)
			}
			if n := cap(capt.out.Data); n > 2*CaptureLimit {
				t.Errorf("%s, %s: holds %d bytes for a limit of %d", c.name, name, n, CaptureLimit)
			}
		}
	}
}

func TestCaptureKeepsWhatCameBeforeAnError(t *testing.T) {
	t.Parallel()
	var capt capture
	capt.drain(io.MultiReader(strings.NewReader("before"), iotest.ErrReader(errors.New("gone"))))
	if string(capt.out.Data) != "before" || capt.out.Truncated {
		t.Errorf("%q, truncated %t", capt.out.Data, capt.out.Truncated)
	}
}

func TestSinkGetsEverything(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("x", 3*CaptureLimit)
	var sink bytes.Buffer
	capt := capture{sink: &sink}
	capt.drain(strings.NewReader(text))
	if sink.String() != text {
		t.Errorf("the sink has %d bytes of %d", sink.Len(), len(text))
	}
	if capt.out.Data != nil || capt.out.Truncated {
		t.Errorf("captured as well: %d bytes", len(capt.out.Data))
	}
}

// A sink that breaks must not leave the program with a full pipe.
func TestBrokenSinkIsDrained(t *testing.T) {
	t.Parallel()
	text := strings.NewReader(strings.Repeat("x", 3*CaptureLimit))
	capt := capture{sink: failing{}}
	capt.drain(text)
	if text.Len() != 0 {
		t.Errorf("%d bytes are left in the pipe", text.Len())
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("broken") }
