//go:build linux

package contract

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

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
