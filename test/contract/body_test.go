//go:build linux

package contract

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"codecell/test/rawhttp"
)

// maxBody is the contract's bound on a body, in bytes.
const maxBody = 1 << 20

// sized is a request with a body of exactly n bytes.
func sized(n int) request {
	const before, after = `{"code":"print(1) #`, `"}`
	return execute(before + strings.Repeat("x", n-len(before)-len(after)) + after)
}

func TestBodySize(t *testing.T) {
	t.Parallel()
	tests := []struct {
		size    int
		chunked bool
		status  int
	}{
		{maxBody, false, http.StatusOK},
		{maxBody + 1, false, http.StatusRequestEntityTooLarge},
		{maxBody, true, http.StatusOK},
		{maxBody + 1, true, http.StatusRequestEntityTooLarge},
	}
	for _, bin := range both {
		t.Run(bin.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, bin)
			for _, tt := range tests {
				t.Run(fmt.Sprintf("%d chunked=%v", tt.size, tt.chunked), func(t *testing.T) {
					r := sized(tt.size)
					r.chunked = tt.chunked
					conn := s.dial(t)
					if err := conn.Send(r.raw()); err != nil && tt.status == http.StatusOK {
						t.Fatal(err) // a refusal may come before all is sent
					}
					wantStatus(t, r, s.answer(t, conn, r, answerTime), tt.status)
				})
			}
		})
	}
}

// A client that has sent only headers has its refusal at once: nobody waits
// for the body that was announced.
func TestBusyRefusesWithBodyUnread(t *testing.T) {
	t.Parallel()
	for _, bin := range both {
		t.Run(bin.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, bin)
			busy := s.occupy(t, endless)
			for _, announced := range []int{1000, 1_000_000} {
				t.Run(fmt.Sprint(announced), func(t *testing.T) {
					conn := s.dial(t)
					if err := conn.Send(rawhttp.PostJSON("/execute", "", announced)); err != nil {
						t.Fatal(err)
					}
					r := execute("")
					wantAtCapacity(t, r, s.answer(t, conn, r, atOnce))
				})
			}
			t.Run("the same too large", func(t *testing.T) {
				conn := s.dial(t)
				if err := conn.Send(rawhttp.PostJSON("/execute", "", maxBody+1)); err != nil {
					t.Fatal(err)
				}
				r := execute("")
				wantStatus(t, r, s.answer(t, conn, r, atOnce), http.StatusRequestEntityTooLarge)
			})
			t.Run("a whole request", func(t *testing.T) {
				r := program{Code: "print(1)"}.request()
				wantAtCapacity(t, r, s.do(t, r))
			})
			t.Run("probes", func(t *testing.T) {
				for _, path := range []string{"/livez", "/readyz", "/profile"} {
					if resp := s.do(t, get(path)); resp.Status != http.StatusOK {
						t.Errorf("%s while busy: %v", path, resp)
					}
				}
			})
			_ = busy.Reset()
		})
	}
}

// Clients that take their time meet the time-outs: 10 s for a body; on serve 5 s
// for headers, from the accept or, on a used connection, from the first byte.
// All of them wait at once.
func TestSlowClients(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 10 s")
	}
	t.Parallel()
	const late = 3 * time.Second // what a loaded machine may add
	servers := []*server{start(t, serve), start(t, framework)}
	var slow sync.WaitGroup
	for _, s := range servers {
		slow.Go(func() { // half a body
			conn, err := rawhttp.Dial(s.addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Leave()
			begin := time.Now()
			_ = conn.Send(rawhttp.PostJSON("/execute", `{"code":`, 1000))
			resp, err := conn.Response(10*time.Second + late)
			if took := time.Since(begin); err != nil || resp.Status != http.StatusRequestTimeout || took < 9*time.Second {
				t.Errorf("%s: half a body: %v, %v after %v, want 408 after 10 s", s.bin.name, resp, err, took)
				return
			}
			wantValid(t, s.bin, execute(""), resp)
		})
		slow.Go(func() { // half a body and the end of the stream
			conn, err := rawhttp.Dial(s.addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Leave()
			_ = conn.Send(rawhttp.PostJSON("/execute", `{"code":`, 1000))
			_ = conn.StopSending()
			resp, err := conn.Response(late)
			if err != nil || resp.Status != http.StatusBadRequest {
				t.Errorf("%s: a body cut off: %v, %v, want 400", s.bin.name, resp, err)
			}
		})
	}
	for _, used := range []bool{false, true} {
		slow.Go(func() {
			conn, err := rawhttp.Dial(servers[0].addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Leave()
			if used {
				_ = conn.Send(get("/livez").raw())
				if resp, err := conn.Response(late); err != nil || resp.Status != http.StatusOK {
					t.Errorf("/livez: %v, %v", resp, err)
				}
			}
			begin := time.Now()
			_ = conn.Send("GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
			if closed, took := conn.Closed(5*time.Second+late), time.Since(begin); !closed || took < 4*time.Second {
				t.Errorf("slow headers (used connection: %v): closed %v after %v, want it cut at 5 s", used, closed, took)
			}
		})
	}
	for _, s := range servers {
		wantStatus(t, get("/readyz"), s.do(t, get("/readyz")), http.StatusOK)
	}
	slow.Wait()
	for _, s := range servers {
		wantPrinted(t, s.do(t, program{Code: "print(1)"}.request()), "1\n")
	}
}
