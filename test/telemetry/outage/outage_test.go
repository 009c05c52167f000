//go:build linux

package outage

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"codecell/test/e2e/built"
	"codecell/test/e2e/cell"
	"codecell/test/e2e/collector"
	"codecell/test/telemetry/internal/stage"
)

// otelcol is the path of the collector's binary.
var otelcol string

func TestMain(m *testing.M) {
	stage.Main(m, func(dir string) (err error) {
		otelcol, err = built.Collector(dir)
		return err
	})
}

const (
	// clients keep the slots busy and the line in front of them from being empty.
	slots, clients = 2, 4
	// requests of one part of the load. Each makes some ten spans, so that one part
	// fills the queue of 1,024 (maxQueue in function/telemetry/bounds.go) twice.
	requests = 250
	// growth is what the server's resident memory may grow by when exports fail: what
	// is set aside for traces and metrics (traceBytes and metricBytes there).
	growth = 12 << 20
	// slowest is less than any time-out of an export: who waited for one takes longer.
	// Twice the line in front of the slots at its longest would do; the rest is for a
	// machine that others use.
	slowest = 5 * time.Second
	// drains is the whole of a stop: the server's promise to Cloud Run, which kills after 10 s.
	drains = 9 * time.Second
)

// telemetryFailed is the event of the one line that tells of an outage.
const telemetryFailed = `"event":"telemetry_failed"`

// An outage changes nothing for a request, nor for the server's memory; the log
// has a line on it; and the server still ends in time.
func TestOutage(t *testing.T) {
	table := cell.NewTable("collector", "protocol", "requests", "lost", "p99 before", "p99 after",
		"RSS MiB before", "highest", "after", "log lines", "SIGTERM to exit")
	defer table.Print(t.Output())
	for _, outage := range []struct {
		name  string
		begin func(*collector.Collector, *testing.T)
		end   func(*collector.Collector, *testing.T)
	}{
		{"killed", func(c *collector.Collector, _ *testing.T) { c.Kill() }, (*collector.Collector).Restart},
		{"stopped", (*collector.Collector).Pause, (*collector.Collector).Resume},
	} {
		for _, protocol := range []string{"http/protobuf", "grpc"} {
			t.Run(outage.name+" "+strings.ReplaceAll(protocol, "/", " "), func(t *testing.T) {
				c := collector.Start(t, otelcol)
				s := start(t, c, protocol)
				client := s.Client(time.Minute)
				t.Cleanup(client.Close)

				load(t, client, requests) // what is allocated once is there
				c.Await(t, func() error { return arrived(c, requests) })
				rss := watchRSS(t, s)
				before := load(t, client, requests)
				first := rss.highest()
				// In mid-load: the second part is on its way when it begins.
				var after []time.Duration
				var running sync.WaitGroup
				half := make(chan struct{})
				running.Go(func() { after = loadWith(t, client, 4*requests, requests, func() { close(half) }) })
				<-half
				outage.begin(c, t)
				running.Wait()
				highest := rss.highest()
				lines := awaitLine(t, s)
				last := rss.now()

				if n := cell.Quantile(after, 1); n > slowest {
					t.Errorf("the slowest request took %v, want at most %v", n, slowest)
				}
				if highest > first+growth {
					t.Errorf("the server grew from %d to %d bytes, want at most %d more", first, highest, growth)
				}
				if lines != 1 {
					t.Errorf("%d lines in the log on the outage, want 1", lines)
				}
				began := time.Now()
				if err := s.Stop(); err != nil {
					t.Error(err)
				}
				took := time.Since(began)
				if took > drains {
					t.Errorf("it took %v to end, want at most %v", took, drains)
				}
				table.Row(outage.name, protocol, len(before)+len(after), 5*requests-len(before)-len(after),
					cell.Quantile(before, 0.99).Round(time.Millisecond), cell.Quantile(after, 0.99).Round(time.Millisecond),
					first>>20, highest>>20, last>>20, lines, took.Round(time.Millisecond))
				outage.end(c, t)
			})
		}
	}
}

// A collector that comes back has the traces again, without a restart.
func TestReturn(t *testing.T) {
	c := collector.Start(t, otelcol)
	s := start(t, c, "http/protobuf")
	client := s.Client(time.Minute)
	t.Cleanup(client.Close)
	load(t, client, 1)
	c.Await(t, func() error { return arrived(c, 1) })
	c.Kill()
	load(t, client, 1)
	awaitLine(t, s)
	c.Restart(t)
	before, err := count(c)
	if err != nil {
		t.Fatal(err)
	}
	c.Await(t, func() error {
		load(t, client, 1)
		return arrived(c, before+1)
	})
}

// start returns a server that exports everything to the collector, and soon.
func start(t *testing.T, c *collector.Collector, protocol string) *cell.Server {
	t.Helper()
	port := c.HTTP
	if protocol == "grpc" {
		port = c.GRPC
	}
	s, err := cell.Start(t.Context(), cell.Options{Binary: stage.Codecell, Env: []string{
		fmt.Sprintf("SANDBOX_MAX_CONCURRENCY=%d", slots), "SANDBOX_MAX_WAIT=30s", "SANDBOX_MEMORY_LIMIT=2Gi",
		"OTEL_TRACES_EXPORTER=otlp", "OTEL_METRICS_EXPORTER=otlp",
		"OTEL_EXPORTER_OTLP_PROTOCOL=" + protocol, "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:" + port,
		"OTEL_BSP_SCHEDULE_DELAY=50", "OTEL_METRIC_EXPORT_INTERVAL=500",
		// Over HTTP an export that has no answer is tried again, for 30 s by default: that
		// is when the log has its line. The test is not as patient.
		"OTEL_EXPORTER_OTLP_TIMEOUT=1000", "OTEL_BSP_EXPORT_TIMEOUT=3000", "OTEL_METRIC_EXPORT_TIMEOUT=3000",
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			for line := range strings.Lines(s.Log()) {
				if !strings.Contains(line, `"message":"request"`) {
					t.Log(line)
				}
			}
		}
	})
	return s
}

// load sends n programs, from several clients, and returns how long each took
// that had its answer; who had none fails the test.
func load(t *testing.T, c *cell.Client, n int) []time.Duration {
	t.Helper()
	return loadWith(t, c, n, n, func() {})
}

// loadWith calls at when that many have been sent.
func loadWith(t *testing.T, c *cell.Client, n, when int, at func()) []time.Duration {
	t.Helper()
	var sent atomic.Int64
	var mu sync.Mutex
	var took []time.Duration
	var all sync.WaitGroup
	for range min(n, clients) {
		all.Go(func() {
			for {
				i := int(sent.Add(1))
				if i == when {
					at()
				}
				if i > n {
					return
				}
				began := time.Now()
				answer, err := c.Execute(t.Context(), cell.Request{Code: fmt.Sprintf("print(%d)", i)})
				if err != nil || !answer.OK(fmt.Sprintf("%d\n", i)) {
					t.Errorf("request %d: %v, %v", i, answer, err)
					continue
				}
				mu.Lock()
				took = append(took, time.Since(began))
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return took
}

// count returns how many requests the collector has the spans of.
func count(c *collector.Collector) (int, error) {
	received, err := c.Received()
	return strings.Count(string(received), `"name":"POST /execute"`), err
}

func arrived(c *collector.Collector, want int) error {
	have, err := count(c)
	if err == nil && have < want {
		err = fmt.Errorf("the spans of %d requests arrived, want %d", have, want)
	}
	return err
}

// awaitLine returns how many lines the log has on exports that failed, once it
// has one.
func awaitLine(t *testing.T, s *cell.Server) int {
	t.Helper()
	const patience = 20 * time.Second
	lines := func() int { return strings.Count(s.Log(), telemetryFailed) }
	for end := time.Now().Add(patience); lines() == 0; {
		if time.Now().After(end) {
			t.Fatalf("no line on the outage in %v", patience)
		}
		time.Sleep(10 * time.Millisecond) // between two looks at another process
	}
	return lines()
}

// rssWatch looks at the server's resident memory until the test ends.
type rssWatch struct {
	pid int

	mu   sync.Mutex
	most int64
}

func watchRSS(t *testing.T, s *cell.Server) *rssWatch {
	t.Helper()
	w := &rssWatch{pid: s.Proc.PID}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				w.now()
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-stopped })
	return w
}

func (w *rssWatch) now() int64 {
	p, err := cell.Process(w.pid)
	if err != nil {
		return 0 // it has ended
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.most = max(w.most, p.RSS)
	return p.RSS
}

// highest returns the most that was ever seen.
func (w *rssWatch) highest() int64 {
	w.now()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.most
}
