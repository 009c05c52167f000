package main

import (
	"strings"
	"testing"
	"time"

	"codecell/function"
)

func TestPlatformWarnings(t *testing.T) {
	t.Parallel()
	const longest = 30 * time.Second
	for _, tt := range []struct {
		name   string
		env    map[string]string
		config function.Config
		want   []string // a piece of each warning
	}{
		{"nothing set", nil, function.Config{Loopback: true}, nil},
		{"Cloud Run", map[string]string{"K_SERVICE": "codecell", "K_REVISION": "codecell-00001-abc", "CLOUD_RUN_TIMEOUT_SECONDS": "60"}, function.Config{MaxWait: 2 * time.Second}, nil},
		{"loopback there", map[string]string{"K_SERVICE": "codecell"}, function.Config{Loopback: true}, []string{`K_SERVICE="codecell"`}},
		{"as short as a program", map[string]string{"CLOUD_RUN_TIMEOUT_SECONDS": "30"}, function.Config{}, []string{"CLOUD_RUN_TIMEOUT_SECONDS=30: a program may take 30s"}},
		{"shorter than the wait", map[string]string{"CLOUD_RUN_TIMEOUT_SECONDS": "31"}, function.Config{MaxWait: 2 * time.Second}, []string{"may take 32s with its wait"}},
		{"a second more", map[string]string{"CLOUD_RUN_TIMEOUT_SECONDS": "33"}, function.Config{MaxWait: 2 * time.Second}, nil},
		{"no number", map[string]string{"CLOUD_RUN_TIMEOUT_SECONDS": "1m"}, function.Config{}, []string{`"1m": want whole seconds`}},
		{"both", map[string]string{"K_SERVICE": "a", "CLOUD_RUN_TIMEOUT_SECONDS": "-1"}, function.Config{Loopback: true}, []string{"LOCAL_ONLY", `"-1"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := platformWarnings(func(name string) string { return tt.env[name] }, tt.config, longest)
			if len(got) != len(tt.want) {
				t.Fatalf("%q, want %d warnings", got, len(tt.want))
			}
			for i, piece := range tt.want {
				if !strings.Contains(got[i], piece) {
					t.Errorf("%q, want %q in it", got[i], piece)
				}
			}
		})
	}
}
