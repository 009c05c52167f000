package function

import (
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"codecell/sandbox"
)

func TestParseConfig(t *testing.T) {
	for _, c := range []struct {
		name string
		vars []string
		want Config
	}{
		{"defaults", nil, Config{
			Port: 8080, MaxConnections: 128, DrainTimeout: 8 * time.Second, Profile: "minimal", MaxConcurrency: 1,
		}},
		{"empty is not set", []string{"PORT=", "SANDBOX_MAX_CONCURRENCY=", "SANDBOX_REQUIRE="}, Config{
			Port: 8080, MaxConnections: 128, DrainTimeout: 8 * time.Second, Profile: "minimal", MaxConcurrency: 1,
		}},
		{"everything", []string{
			"PORT=0", "LOCAL_ONLY=true", "SANDBOX_MAX_CONNECTIONS=16", "SANDBOX_DRAIN_TIMEOUT=500ms", "SANDBOX_LOG_LEVEL=WARN",
			"SANDBOX_PROFILE=/etc/p.yaml", "SANDBOX_MAX_CONCURRENCY=auto", "SANDBOX_MAX_WAIT=30s", "SANDBOX_MEMORY_LIMIT=704Mi",
			"SANDBOX_MEMORY_RESERVE=1.5Gi", "SANDBOX_REQUIRE=landlock, seccomp", "SANDBOX_PYTHON=/usr/bin/python3",
			"SANDBOX_TOKENS_FILE=/run/tokens",
		}, Config{
			Loopback: true, MaxConnections: 16, DrainTimeout: 500 * time.Millisecond, LogLevel: slog.LevelWarn,
			Profile: "/etc/p.yaml", MaxConcurrency: sandbox.Auto, MaxWait: 30 * time.Second, MemoryLimit: 704 << 20,
			MemoryReserve: 3 << 29, Require: []string{"landlock", "seccomp"}, Python: "/usr/bin/python3", TokensFile: "/run/tokens",
		}},
		{"what its owner calls false", []string{"LOCAL_ONLY=1", "SANDBOX_MAX_CONCURRENCY=7", "SANDBOX_DRAIN_TIMEOUT=0s"}, Config{
			Port: 8080, MaxConnections: 128, Profile: "minimal", MaxConcurrency: 7,
		}},
	} {
		got, err := ParseConfig(environ(c.vars...))
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s:\ngot  %+v %v\nwant %+v", c.name, got, err, c.want)
		}
	}
}

// TestParseConfigRefuses: the error has the variable, its value and what is allowed.
func TestParseConfigRefuses(t *testing.T) {
	for _, c := range []struct{ name, value, allowed string }{
		{"PORT", "http", "from 0"},
		{"PORT", "65536", "65535"},
		{"PORT", "-1", "65535"},
		{"SANDBOX_MAX_CONNECTIONS", "7", "8 to 4096"},
		{"SANDBOX_MAX_CONNECTIONS", "4097", "8 to 4096"},
		{"SANDBOX_MAX_CONCURRENCY", "0", "auto"},
		{"SANDBOX_MAX_CONCURRENCY", "-1", "auto"},
		{"SANDBOX_MAX_CONCURRENCY", "Auto", "auto"},
		{"SANDBOX_DRAIN_TIMEOUT", "8", "30s"},
		{"SANDBOX_DRAIN_TIMEOUT", "-1s", "30s"},
		{"SANDBOX_MAX_WAIT", "2h", "1h"},
		{"SANDBOX_MEMORY_LIMIT", "704MB", "704Mi"},
		{"SANDBOX_MEMORY_RESERVE", "0", "704Mi"},
		{"SANDBOX_REQUIRE", "seccomp,,landlock", "comma"},
		{"SANDBOX_LOG_LEVEL", "verbose", "debug, info, warn"},
	} {
		_, err := ParseConfig(environ(c.name + "=" + c.value))
		if err == nil {
			t.Errorf("%s=%q was accepted", c.name, c.value)
			continue
		}
		for _, want := range []string{c.name + "=", `"` + c.value + `"`, c.allowed} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s=%q: no %s in: %v", c.name, c.value, want, err)
			}
		}
	}
	_, err := ParseConfig(environ("PORT=x", "SANDBOX_MAX_WAIT=y", "SANDBOX_LOG_LEVEL=z"))
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("three bad values: %v", err)
	}
}

// TestDoors: what clients may cost fits a container of 704 MiB beside one run of
// 512 MiB, the memory line (64), the server (25) and two zygotes (14 each).
func TestDoors(t *testing.T) {
	d := testConfig(t, "SANDBOX_MAX_WAIT=30s").doors(false)
	doors := d.Fixed + d.PerSlot
	t.Logf("fixed %.1f MiB, per slot %.1f MiB", float64(d.Fixed)/(1<<20), float64(d.PerSlot)/(1<<20))
	const room = 704 - (512 + 3) - 64 - 25 - 2*14
	if doors > (room-10)<<20 {
		t.Errorf("doors are %.1f MiB of %d", float64(doors)/(1<<20), room)
	}
	if on := testConfig(t, "OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318").doors(false); d.Telemetry != 0 || on.Telemetry != 12<<20 {
		t.Errorf("telemetry: %d bytes, with exporters %d", d.Telemetry, on.Telemetry)
	}
	if plain := testConfig(t).doors(false); plain.PerSlot >= d.PerSlot || plain.Fixed != d.Fixed {
		t.Errorf("without a line: %+v, with one: %+v", plain, d)
	}
	if many := testConfig(t, "SANDBOX_MAX_CONNECTIONS=256").doors(false); many.Fixed-testConfig(t).doors(false).Fixed != 128*connectionBytes {
		t.Errorf("128 connections more cost %d", many.Fixed)
	}
}
