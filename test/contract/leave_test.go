//go:build linux

package contract

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"codecell/test/rawhttp"
)

// Who leaves takes the run along: the next caller is served at once, without a
// line to wait in. At once begins when the server has seen the first one go,
// which no event tells: until then there may be a 429.
func TestLeavesInTheMiddleOfARun(t *testing.T) {
	t.Parallel()
	for _, bin := range both {
		t.Run(bin.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, bin)
			for name, leave := range map[string]func(*rawhttp.Conn) error{"FIN": (*rawhttp.Conn).Leave, "RST": (*rawhttp.Conn).Reset} {
				t.Run(name, func(t *testing.T) {
					for range 5 {
						if err := leave(s.occupy(t, endless)); err != nil {
							t.Fatal(err)
						}
						begin := time.Now()
						wantPrinted(t, s.retry(t, program{Code: "print('next')"}.request()), "next\n")
						if took := time.Since(begin); took > 2*time.Second {
							t.Errorf("the next caller waited %v", took)
						}
					}
				})
			}
		})
	}
}

func TestLeavesWhileWaitingInLine(t *testing.T) {
	t.Parallel()
	const places = 4 // per slot
	for _, bin := range both {
		t.Run(bin.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, bin, "SANDBOX_MAX_WAIT=60s")
			r := program{Code: "print('waited')"}.request()
			busy := s.occupy(t, endless)
			wait := func(n int) *rawhttp.Conn {
				conn := s.dial(t)
				send(t, conn, r)
				s.await(t, fmt.Sprintf("%d in line", n), func(a admission) bool { return a.Waiting == n })
				return conn
			}
			var line []*rawhttp.Conn
			for n := range places {
				line = append(line, wait(n+1))
			}
			wantAtCapacity(t, r, s.do(t, r)) // the line is full

			if err := line[1].Leave(); err != nil {
				t.Fatal(err)
			}
			s.await(t, "one gone", func(a admission) bool { return a.Waiting == places-1 })
			line[1] = wait(places) // its place is free again

			if err := busy.Reset(); err != nil {
				t.Fatal(err)
			}
			for _, conn := range line {
				wantPrinted(t, s.answer(t, conn, r, answerTime), "waited\n")
			}
		})
	}
}

func TestWaitEnds(t *testing.T) {
	t.Parallel()
	for _, bin := range both {
		t.Run(bin.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, bin, "SANDBOX_MAX_WAIT=300ms")
			busy := s.occupy(t, endless)
			r := program{Code: "print(1)"}.request()
			begin := time.Now()
			wantAtCapacity(t, r, s.do(t, r))
			if took := time.Since(begin); took < 300*time.Millisecond || took > 5*time.Second {
				t.Errorf("refused after %v, want 300 ms", took)
			}
			_ = busy.Reset()
		})
	}
}

// The largest reply there is: every byte of both streams takes six in JSON.
var longest = program{Code: "print('\\0' * 60000)"}

// A reader that takes its time has its whole reply; one that stopped holds up
// nobody.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	const begin = "HTTP/1.1 200"
	for _, bin := range both {
		t.Run(bin.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, bin)
			// dial returns a connection on which the reply has begun, and not more.
			dial := func() *rawhttp.Conn {
				conn := s.dial(t)
				if err := conn.ShrinkWindow(16 << 10); err != nil {
					t.Fatal(err)
				}
				send(t, conn, longest.request("Connection: close"))
				if got, err := conn.ReadAtMost(len(begin), answerTime); string(got) != begin {
					t.Fatalf("the reply begins with %q, %v", got, err)
				}
				return conn
			}
			stopped, slow := dial(), dial()
			wantPrinted(t, s.do(t, program{Code: "print(1)"}.request()), "1\n")

			var got strings.Builder
			for {
				b, err := slow.ReadAtMost(8<<10, answerTime)
				got.Write(b)
				if err != nil {
					break // the end: the connection closes
				}
				time.Sleep(time.Millisecond) // this is the slowness, nothing waits for it
			}
			if reply := got.String(); !strings.HasSuffix(reply, "}}") || len(reply) < 6*50<<10 {
				t.Errorf("the slow reader got %d bytes: %.60q ... %.20q", len(reply), reply, reply[max(0, len(reply)-20):])
			}
			_ = stopped.Reset()
		})
	}
}

// retry repeats r until it meets no 429.
func (s *server) retry(t *testing.T, r request) rawhttp.Response {
	t.Helper()
	deadline := time.After(answerTime)
	for tick := time.Tick(poll); ; {
		resp := s.do(t, r)
		if resp.Status != http.StatusTooManyRequests {
			return resp
		}
		select {
		case <-tick:
		case <-deadline:
			t.Fatalf("still %v after %v", resp, answerTime)
		}
	}
}

// The permit is given back before the reply is written: who has a 200 in hand
// and asks again never meets its own shadow.
func TestNextOnTheSameConnection(t *testing.T) {
	t.Parallel()
	const times = 300
	for _, bin := range both {
		t.Run(bin.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, bin)
			conns := []*rawhttp.Conn{s.dial(t), s.dial(t)}
			for n := range times {
				// The second caller has no connection of its own to hide behind:
				// now and then the other one asks.
				conn := conns[0]
				if n%10 == 9 {
					conn = conns[1]
				}
				r := program{Code: fmt.Sprintf("print(%d)", n)}.request()
				send(t, conn, r)
				resp, err := conn.Response(answerTime)
				if err != nil {
					t.Fatalf("request %d: %v", n, err)
				}
				if n%50 == 0 {
					wantValid(t, s.bin, r, resp)
				}
				wantPrinted(t, resp, fmt.Sprintf("%d\n", n))
			}
		})
	}
}
