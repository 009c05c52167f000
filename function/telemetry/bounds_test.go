package telemetry

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// alive is how many bytes are reachable.
func alive() int64 {
	runtime.GC()
	runtime.GC() // what a finalizer or a pool kept for one cycle
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestBytes measures what the worst of callers, and a collector that hangs, make
// telemetry hold: a full queue of spans with values as long as they may be, and a
// batch of them on its way.
func TestBytes(t *testing.T) {
	var size atomic.Int64
	asked := make(chan struct{}, 10)
	closed := make(chan struct{})
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		size.Store(max(size.Load(), n))
		asked <- struct{}{}
		<-closed
	}))
	defer collector.Close()
	defer close(closed)
	before := alive()
	seen, _ := export(t, "OTEL_TRACES_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="+collector.URL,
		"OTEL_BSP_MAX_QUEUE_SIZE=1000000", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=1000000", "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT=1000000")
	filled := alive()
	for i := range 4 * maxQueue / 9 { // what is more is dropped
		work(seen, strings.Repeat(fmt.Sprint(i%10), 1000))
	}
	<-asked
	for i := range 4 * maxQueue / 9 {
		work(seen, strings.Repeat(fmt.Sprint(i%10), 1000))
	}
	held := alive() - before
	t.Logf("an empty queue holds %d KiB, a full one with an export of %d KiB under way %d KiB", (filled-before)>>10, size.Load()>>10, held>>10)
	if held > traceBytes*3/4 { // what is garbage by now was alive too
		t.Errorf("%d bytes, set aside are %d", held, traceBytes)
	}
	if held < 1<<20 {
		t.Errorf("%d bytes only: is the queue full?", held)
	}
	runtime.KeepAlive(seen)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_ = seen.Shutdown(ctx) // the collector hangs
}

// TestSeriesAreBounded, whatever would be put into an attribute.
func TestSeriesAreBounded(t *testing.T) {
	seen, _ := export(t, "OTEL_METRICS_EXPORTER=prometheus")
	defer func() { _ = seen.Shutdown(t.Context()) }()
	before := alive()
	const histograms = 6 // one more than there are
	for i := range histograms {
		h, err := seen.Meter().Float64Histogram(fmt.Sprintf("h%d", i))
		if err != nil {
			t.Fatal(err)
		}
		for j := range 2 * maxSeries {
			h.Record(t.Context(), 1, metric.WithAttributes(attribute.Int("caller", j)))
		}
	}
	text, _, err := seen.Scrape(nil)
	if err != nil {
		t.Fatal(err)
	}
	held := alive() - before
	t.Logf("%d histograms of %d series: %d KiB, as text %d KiB", histograms, maxSeries, held>>10, len(text)>>10)
	if held > metricBytes*3/4 {
		t.Errorf("%d bytes, set aside are %d", held, metricBytes)
	}
	if n := strings.Count(string(text), "h3_count{"); n != maxSeries {
		t.Errorf("%d series, want %d", n, maxSeries)
	}
	runtime.KeepAlive(seen)
}
