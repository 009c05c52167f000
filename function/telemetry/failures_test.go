package telemetry

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestFailuresAreToldOnce: an exporter that is down for an hour, and fails every
// second, is worth six lines; what the other side says can't be a line of its own.
func TestFailuresAreToldOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		f := &failures{log: slog.New(slog.NewTextHandler(&out, nil))}
		for range 3600 {
			f.Handle(errors.New("refused:\nlevel=ERROR msg=forged" + strings.Repeat("x", 10_000)))
			time.Sleep(time.Second)
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if len(lines) != 6 || out.Len() > 6*1024 {
			t.Fatalf("%d lines, %d bytes", len(lines), out.Len())
		}
		for i, line := range lines {
			want := "more_since_the_last=0"
			if i > 0 {
				want = "more_since_the_last=599"
			}
			if !strings.Contains(line, "event=telemetry_failed") || !strings.HasSuffix(line, want) {
				t.Errorf("line %d: %s, want %s", i, line, want)
			}
		}
	})
}
