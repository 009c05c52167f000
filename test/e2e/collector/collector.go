//go:build linux

// Package collector starts the OpenTelemetry Collector of test/telemetry/otelcol
// and reads what it was sent. That program is a module of its own, so whoever
// wants it names the binary; this package is all that they share with it.
package collector

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"codecell/test/e2e/daemon"
)

// Collector takes OTLP in on the loopback interface, over HTTP and over gRPC.
type Collector struct {
	HTTP, GRPC string // ports

	binary string
	file   string // what it received, one JSON object a line (otlp.json)
	daemon *daemon.Daemon
}

// Start returns a collector that listens, on ports of its own.
func Start(t *testing.T, binary string) *Collector {
	t.Helper()
	c := &Collector{
		HTTP: daemon.FreePort(t), GRPC: daemon.FreePort(t),
		binary: binary, file: filepath.Join(t.TempDir(), "received.json"),
	}
	c.Restart(t)
	return c
}

// Restart starts it again, on the same ports and writing behind what is in the
// file already.
func (c *Collector) Restart(t *testing.T) {
	t.Helper()
	config, err := json.Marshal(c.config())
	if err != nil {
		t.Fatal(err)
	}
	c.daemon = daemon.Start(t, nil, c.binary, "--config", "yaml:"+string(config))
	for _, port := range []string{c.HTTP, c.GRPC} {
		c.daemon.Await(t, func() error { return daemon.Listening(port) })
	}
}

// object is a part of the configuration. It is YAML, of which JSON is a part.
type object map[string]any

func (c *Collector) config() object {
	pipeline := object{"receivers": []string{"otlp"}, "exporters": []string{"file"}}
	return object{
		"receivers": object{"otlp": object{"protocols": object{
			"http": object{"endpoint": "127.0.0.1:" + c.HTTP},
			"grpc": object{"endpoint": "127.0.0.1:" + c.GRPC},
		}}},
		"exporters": object{"file": object{"path": c.file, "append": true, "flush_interval": "10ms"}},
		"service": object{
			"telemetry": object{"metrics": object{"level": "none"}}, // else it opens a port whose number is fixed
			"pipelines": object{"traces": pipeline, "metrics": pipeline},
		},
	}
}

// Kill ends it at once.
func (c *Collector) Kill() { c.daemon.Kill() }

// Pause stops it where it is: its ports still take connections in, which the
// kernel does, and nobody ever answers on them.
func (c *Collector) Pause(t *testing.T) { c.signal(t, syscall.SIGSTOP) }

// Resume is the end of a Pause.
func (c *Collector) Resume(t *testing.T) { c.signal(t, syscall.SIGCONT) }

func (c *Collector) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := c.daemon.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// Await asks until ok returns nil, and fails the test when that takes too long.
func (c *Collector) Await(t *testing.T, ok func() error) {
	t.Helper()
	c.daemon.Await(t, ok)
}

// Received returns the bytes of all that it was sent.
func (c *Collector) Received() ([]byte, error) {
	received, err := os.ReadFile(c.file)
	if err != nil {
		return nil, fmt.Errorf("what the collector received: %w", err)
	}
	return received, nil
}
