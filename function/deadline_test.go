package function

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"codecell/sandbox"
	"codecell/test/rawhttp"
)

// pipes is a listener without a network, so that a server can live in bubble time.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// servePipes returns a way to connect to a service in a bubble.
func servePipes(t *testing.T, box runner) (s *Service, dial func() net.Conn) {
	t.Helper()
	s, err := newService(testConfig(t), box, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	srv := &http.Server{Handler: s} //nolint:gosec // its time-outs are not what is tested
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		<-ended
	})
	return s, func() net.Conn {
		client, server := net.Pipe()
		l.conns <- server
		t.Cleanup(func() { _ = client.Close() })
		return client
	}
}

// TestBodyDeadline: who has not sent its body after 10 s is told so, and its
// place in intake is free.
func TestBodyDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box, _, _ := newFakeBox()
		s, dial := servePipes(t, box)
		conn := dial()
		start := time.Now()
		if _, err := io.WriteString(conn, rawhttp.PostJSON("/execute", `{"code":`, 100)); err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(conn)
		if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 408 ") || !strings.Contains(string(answer), "Connection: close") {
			t.Errorf("got %v %s", err, answer)
		}
		if took := time.Since(start); took < bodyTimeout || took > bodyTimeout+time.Second {
			t.Errorf("after %v", took)
		}
		if held := len(s.intake); held != 0 {
			t.Errorf("%d are still in intake", held)
		}
	})
}

// TestWriteDeadline: who does not read its reply loses it after 30 s, and its
// place in intake is free; until then it is not.
func TestWriteDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box, _, _ := newFakeBox()
		big := bytes.Repeat([]byte{1}, sandbox.CaptureLimit)
		box.runs["print"] = func(context.Context, sandbox.Job) (sandbox.Result, error) {
			return sandbox.Result{Stdout: sandbox.Output{Data: big}, Outcome: sandbox.OutcomeOK}, nil
		}
		s, dial := servePipes(t, box)
		conn := dial()
		if _, err := io.WriteString(conn, rawPost(code("print"))); err != nil {
			t.Fatal(err)
		}
		time.Sleep(writeTimeout - time.Millisecond)
		synctest.Wait()
		if held, now := len(s.intake), s.gate.Occupancy(); held != 1 || now != (occupancy{}) {
			t.Errorf("%d in intake, %+v", held, now)
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if held := len(s.intake); held != 0 {
			t.Errorf("%d are still in intake", held)
		}
		if answer, err := io.ReadAll(conn); err != nil || len(answer) != 0 {
			t.Errorf("the rest of a reply that was given up: %d bytes, %v", len(answer), err)
		}
	})
}

// TestNoDeadlineWhileItRuns: the body's deadline ends with the body. A run that
// takes longer is not taken for a client that left.
func TestNoDeadlineWhileItRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box, _, _ := newFakeBox()
		box.runs["long"] = func(ctx context.Context, _ sandbox.Job) (sandbox.Result, error) {
			select {
			case <-ctx.Done():
				return sandbox.Result{}, context.Cause(ctx)
			case <-time.After(29 * time.Second):
				return okResult, nil
			}
		}
		_, dial := servePipes(t, box)
		conn := dial()
		body := `{"code":"long","timeout":30}`
		if _, err := io.WriteString(conn, rawhttp.PostJSON("/execute", body, len(body), "Connection: close")); err != nil {
			t.Fatal(err)
		}
		if answer, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200 ") {
			t.Errorf("got %v %s", err, answer)
		}
	})
}
