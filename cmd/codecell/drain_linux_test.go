package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// A fakeService is a service whose runs last until the test ends them.
type fakeService struct {
	patience time.Duration // of Drain
	draining atomic.Bool
	began    chan struct{} // closed once Drain has refused new runs
	running  chan struct{} // one value for each request in work
	finish   chan struct{} // closed: runs end
}

func newFakeService() *fakeService {
	return &fakeService{patience: patience, began: make(chan struct{}), running: make(chan struct{}, 8), finish: make(chan struct{})}
}

func (f *fakeService) Drain(ctx context.Context) error {
	f.draining.Store(true)
	close(f.began)
	select {
	case <-f.finish:
		return nil
	case <-time.After(f.patience):
		return errors.New("killed")
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *fakeService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f.draining.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	f.running <- struct{}{}
	select {
	case <-f.finish:
		_, _ = io.WriteString(w, "finished")
	case <-r.Context().Done():
	}
}

// startDrainable serves service and returns its URL, what stops it, and what
// serveUntil returned.
func startDrainable(t *testing.T, service *fakeService) (url string, stop context.CancelCauseFunc, done chan error) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	limit := newConnCap(16, time.Second)
	l, err := listen(t.Context(), 0, true)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancelCause(t.Context())
	done = make(chan error, 1)
	go func() {
		done <- serveUntil(ctx, newServer(service, limit, log), limit.Listen(l), service, log)
	}()
	return "http://" + l.Addr().String(), stop, done
}

func await[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("waited in vain: %s", what)
		panic("unreachable")
	}
}

type answer struct {
	status int
	body   string
	err    error
}

func ask(url string) answer {
	resp, err := http.Get(url)
	if err != nil {
		return answer{err: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, string(body), err}
}

func TestDrainAnswersBothOldAndNew(t *testing.T) {
	t.Parallel()
	service := newFakeService()
	url, stop, done := startDrainable(t, service)
	inFlight := make(chan answer, 1)
	go func() { inFlight <- ask(url) }()
	await(t, "a request in work", service.running)

	stop(stopError{syscall.SIGTERM})
	await(t, "the drain", service.began)
	for range 3 {
		if got := ask(url); got.err != nil || got.status != http.StatusServiceUnavailable {
			t.Errorf("a new request while draining: %+v, want 503", got)
		}
	}
	close(service.finish)
	if got := await(t, "the run's answer", inFlight); got.err != nil || got.body != "finished" {
		t.Errorf("the run in flight: %+v, want its answer", got)
	}
	if err := await(t, "the server's end", done); err != nil {
		t.Errorf("serveUntil: %v", err)
	}
	if got := ask(url); !errors.Is(got.err, syscall.ECONNREFUSED) {
		t.Errorf("after the drain: %+v, want the port closed", got)
	}
}

// A queue in front lets its next caller through when the one before has its
// reply. That caller comes when the last run has ended, and is answered too.
func TestDrainAnswersWhoComesBehindTheLastRun(t *testing.T) {
	t.Parallel()
	service := newFakeService()
	url, stop, done := startDrainable(t, service)
	inFlight := make(chan answer, 1)
	go func() { inFlight <- ask(url) }()
	await(t, "a request in work", service.running)
	stop(stopError{syscall.SIGTERM})
	await(t, "the drain", service.began)

	close(service.finish)
	await(t, "the run's answer", inFlight)
	if got := ask(url); got.err != nil || got.status != http.StatusServiceUnavailable {
		t.Errorf("behind the last run: %+v, want 503", got)
	}
	if err := await(t, "the server's end", done); err != nil {
		t.Errorf("serveUntil: %v", err)
	}
}

func TestDrainEndsInTime(t *testing.T) {
	t.Parallel()
	service := newFakeService()
	service.patience = 50 * time.Millisecond
	url, stop, done := startDrainable(t, service)
	inFlight := make(chan answer, 1)
	go func() { inFlight <- ask(url) }()
	await(t, "a request in work", service.running)
	stop(stopError{syscall.SIGTERM})
	start := time.Now()
	if err := await(t, "the server's end", done); err != nil {
		t.Errorf("serveUntil: %v", err)
	}
	if took := time.Since(start); took > 4*lastReplies {
		t.Errorf("took %v with a handler that never ends", took)
	}
	if got := await(t, "the cut request", inFlight); got.err == nil {
		t.Errorf("a handler that never ended: %+v, want a cut connection", got)
	}
}

// An opened connection without a request is not something to wait for.
func TestDrainDoesNotWaitForSilentConnection(t *testing.T) {
	t.Parallel()
	service := newFakeService()
	close(service.finish)
	url, stop, done := startDrainable(t, service)
	conn, err := net.Dial("tcp", url[len("http://"):])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := ask(url); got.err != nil { // by now the silent one is accepted as well
		t.Fatal(got.err)
	}
	start := time.Now()
	stop(stopError{syscall.SIGTERM})
	if err := await(t, "the server's end", done); err != nil {
		t.Errorf("serveUntil: %v", err)
	}
	if took := time.Since(start); took > 4*lastReplies {
		t.Errorf("took %v", took)
	}
}

func TestServeFailureIsReported(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler)
	limit := newConnCap(16, time.Second)
	l, err := listen(t.Context(), 0, true)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	service := newFakeService()
	if err := serveUntil(t.Context(), newServer(service, limit, log), limit.Listen(l), service, log); !errors.Is(err, net.ErrClosed) {
		t.Errorf("serveUntil with a closed listener: %v, want net.ErrClosed", err)
	}
}

func TestHeaderBound(t *testing.T) {
	t.Parallel()
	service := newFakeService()
	close(service.finish)
	url, _, _ := startDrainable(t, service)
	tests := []struct {
		total int // request line, headers and the empty line, in bytes
		want  int
	}{
		{headerBytes - 1<<10, http.StatusOK},
		{headerBytes + 1<<10, http.StatusRequestHeaderFieldsTooLarge},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.total), func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", url[len("http://"):])
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(patience))
			head, end := "GET / HTTP/1.1\r\nHost: x\r\nX-Fill: ", "\r\n\r\n"
			if _, err := fmt.Fprintf(conn, "%s%0*d%s", head, tt.total-len(head)-len(end), 0, end); err != nil {
				t.Fatal(err)
			}
			if got, err := readStatus(conn); err != nil || got != tt.want {
				t.Errorf("%d bytes of headers: %d, %v, want %d", tt.total, got, err, tt.want)
			}
		})
	}
}
