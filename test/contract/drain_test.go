//go:build linux

package contract

import (
	"net/http"
	"syscall"
	"testing"
	"time"

	"codecell/test/rawhttp"
)

// awaitDraining polls until the server says that it drains, and returns what
// /readyz said.
func (s *server) awaitDraining(t *testing.T) rawhttp.Response {
	t.Helper()
	deadline := time.After(answerTime)
	for tick := time.Tick(poll); ; {
		if resp := s.do(t, get("/readyz")); resp.Status == http.StatusServiceUnavailable {
			return resp
		}
		select {
		case <-tick:
		case <-deadline:
			t.Fatal("the server does not say that it drains")
		}
	}
}

func wantDraining(t *testing.T, r request, resp rawhttp.Response) {
	t.Helper()
	wantStatus(t, r, resp, http.StatusServiceUnavailable)
	if p := wantProblem(t, r, resp); p.Type != "urn:codecell:problem:draining" {
		t.Errorf("%v: %+v, want draining", r, p)
	}
	wantRetryAfter(t, r, resp)
}

// While it drains the server listens and says so; a run that ends in time has
// its answer.
func TestDrainLetsARunEnd(t *testing.T) {
	t.Parallel()
	for _, bin := range both {
		t.Run(bin.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, bin)
			waiting := s.occupy(t, program{Code: "print('kept')\nwhile True: pass", Timeout: 2})
			s.signal(t, syscall.SIGTERM)

			wantDraining(t, get("/readyz"), s.awaitDraining(t))
			r := program{Code: "print(1)"}.request()
			wantDraining(t, r, s.do(t, r))
			wantDraining(t, get("/ready"), s.do(t, get("/ready")))
			for _, alias := range []request{{method: http.MethodPost, target: "/", body: r.body}} {
				wantDraining(t, alias, s.do(t, alias))
			}
			wantStatus(t, get("/livez"), s.do(t, get("/livez")), http.StatusOK)

			got := wantRan(t, s.answer(t, waiting, r, answerTime))
			if !got.TimedOut || got.Stdout != "kept\n" {
				t.Errorf("the run in flight: %+v, want its time-out and what it printed", got)
			}
			s.wantGoodEnd(t, 5*time.Second)
			if conn, err := rawhttp.Dial(s.addr); err == nil {
				_ = conn.Leave()
				t.Error("the port is still open")
			}
		})
	}
}

// A run that does not end in time is killed and its caller told that it may
// ask again elsewhere; so are those who wait in line.
func TestDrainKillsALongRun(t *testing.T) {
	t.Parallel()
	for _, bin := range both {
		t.Run(bin.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, bin, "SANDBOX_DRAIN_TIMEOUT=1s", "SANDBOX_MAX_WAIT=60s")
			running := s.occupy(t, endless)
			inLine := s.dial(t)
			r := program{Code: "print(1)"}.request()
			send(t, inLine, r)
			s.await(t, "one in line", func(a admission) bool { return a.Waiting == 1 })

			begin := time.Now()
			s.signal(t, syscall.SIGTERM)
			wantDraining(t, r, s.answer(t, inLine, r, answerTime))
			wantDraining(t, r, s.answer(t, running, endless.request(), answerTime))
			if took := time.Since(begin); took < time.Second {
				t.Errorf("the run was killed %v after the signal, want 1 s", took)
			}
			s.wantGoodEnd(t, 5*time.Second)
		})
	}
}

func TestDrainWithNothingToDo(t *testing.T) {
	t.Parallel()
	for _, bin := range both {
		t.Run(bin.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, bin)
			idle := s.dial(t)
			send(t, idle, get("/livez"))
			s.answer(t, idle, get("/livez"), answerTime)
			s.signal(t, syscall.SIGINT)
			s.wantGoodEnd(t, 5*time.Second)
		})
	}
}

// A second signal ends serve at once, and with it the run, by the kernel's hand.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	s := start(t, serve, "SANDBOX_DRAIN_TIMEOUT=1m")
	s.occupy(t, endless)
	family := s.awaitFamily(t, 2) // a zygote and a run
	s.signal(t, syscall.SIGTERM)
	s.awaitDraining(t)
	s.signal(t, syscall.SIGTERM)
	select {
	case <-s.exited:
	case <-time.After(5 * time.Second):
		t.Fatal("still there")
	}
	if code := s.state.ExitCode(); code != 128+int(syscall.SIGTERM) {
		t.Errorf("ended with %v, want exit code 143", s.state)
	}
	awaitGone(t, family)
}
