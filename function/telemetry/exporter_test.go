package telemetry

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// lines is a log that tests read.
type lines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// export starts the exporters that these variables name, which the libraries
// read from the process's environment.
func export(t *testing.T, vars ...string) (seen *Telemetry, log *lines) {
	t.Helper()
	for _, v := range vars {
		name, value, _ := strings.Cut(v, "=")
		t.Setenv(name, value)
	}
	cfg, err := ParseConfig(environ(vars...))
	if err != nil {
		t.Fatal(err)
	}
	log = &lines{}
	seen, err = Start(t.Context(), cfg, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return seen, log
}

// work is what one request makes: a span with 8 children, each with its attributes.
func work(seen *Telemetry, value string) {
	ctx, request := seen.Tracer().Start(context.Background(), "POST /execute")
	for range 8 {
		_, child := seen.Tracer().Start(ctx, "child")
		for _, key := range []attribute.Key{"a", "b", "c", "d", "e", "f"} {
			child.SetAttributes(key.String(value))
		}
		child.End()
	}
	for _, key := range []attribute.Key{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"} {
		request.SetAttributes(key.String(value))
	}
	request.End()
}

// TestCollectors: whatever the other side does, who makes spans and measures does
// not wait for it, and the log has one line.
func TestCollectors(t *testing.T) {
	const requests = 2000
	var arrived atomic.Int64
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	for name, answer := range map[string]func(w http.ResponseWriter, r *http.Request){
		"takes everything": func(_ http.ResponseWriter, r *http.Request) {
			n, _ := io.Copy(io.Discard, r.Body)
			arrived.Add(n)
		},
		"down": nil,
		"hangs": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // else net/http does not see who leaves
			<-r.Context().Done()
		},
		"refuses":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) },
		"is busy":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"says garbage": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("\xff\x00 no protobuf\n")) },
		"says it forever": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/x-protobuf")
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		},
		"cuts the connection": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"sends elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://"+gone.Addr().String(), http.StatusTemporaryRedirect)
		},
	} {
		t.Run(name, func(t *testing.T) {
			endpoint := "http://" + gone.Addr().String()
			if answer != nil {
				collector := httptest.NewServer(http.HandlerFunc(answer))
				defer collector.Close()
				defer collector.CloseClientConnections()
				endpoint = collector.URL
			}
			seen, log := export(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+endpoint, "OTEL_METRIC_EXPORT_INTERVAL=50", "OTEL_BSP_SCHEDULE_DELAY=50")
			runs, err := seen.Meter().Int64Counter("runs", metric.WithUnit("{run}"))
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			for range requests {
				work(seen, "value")
				runs.Add(t.Context(), 1)
			}
			if took := time.Since(start); took > 30*time.Second { // 0.1 s alone; minutes if each waited
				t.Errorf("%d requests took %v", requests, took)
			}
			if name == "takes everything" {
				// Not that there is no line: the handler of errors is the process's, and
				// the exporters of another case may still complain of their own collector.
				if err := seen.Flush(t.Context()); err != nil || strings.Contains(log.String(), endpoint) {
					t.Errorf("%v, and the log: %s", err, log)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			start = time.Now()
			_ = seen.Flush(ctx)
			_ = seen.Shutdown(ctx)
			if took := time.Since(start); took > 8*time.Second { // an exporter alone would give up after 10
				t.Errorf("the end took %v", took)
			}
			want := 1
			switch name {
			case "takes everything", "hangs", "is busy", "says garbage", "says it forever": // tried still, or taken for success
				want = strings.Count(log.String(), "\n")
			}
			if n := strings.Count(log.String(), EventFailed); n != want || n > 1 {
				t.Errorf("%d lines: %s", n, log)
			}
		})
	}
	if arrived.Load() == 0 {
		t.Error("nothing arrived where everything is taken")
	}
}

// TestOneByteWouldLoseAll is why Clean is there: the exporter itself does not mend
// an attribute that is not UTF-8, and gives up the batch that it is in.
func TestOneByteWouldLoseAll(t *testing.T) {
	for value, arrives := range map[string]bool{"\xff": false, Clean("\xff", 10): true} {
		var got atomic.Int64
		collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			n, _ := io.Copy(io.Discard, r.Body)
			got.Add(n)
		}))
		seen, _ := export(t, "OTEL_TRACES_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="+collector.URL)
		work(seen, "innocent")
		work(seen, value)
		if err := seen.Flush(t.Context()); (err == nil) != arrives || (got.Load() > 0) != arrives {
			t.Errorf("%q: %d bytes arrived, %v", value, got.Load(), err)
		}
		_ = seen.Shutdown(t.Context())
		collector.Close()
	}
}
