//go:build linux

package contract

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	for _, bin := range both {
		t.Run(bin.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := filepath.Join(dir, "tokens")
			const old, young, other = "old-token-0123456789", "young-token-0123456789", "other-token-0123456789"
			write := func(tokens ...string) {
				t.Helper()
				next := file + ".next"
				if err := os.WriteFile(next, []byte(strings.Join(tokens, "\n")+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Rename(next, file); err != nil {
					t.Fatal(err)
				}
			}
			write(old, other)
			s := start(t, bin, "SANDBOX_TOKENS_FILE="+file)

			ask := func(authorization string) request {
				if authorization == "" {
					return program{Code: "print(1)"}.request()
				}
				return program{Code: "print(1)"}.request("Authorization: " + authorization)
			}
			for _, authorization := range []string{"", "Bearer", "Bearer wrong", "Basic " + old, "Bearer " + young, "Bearer " + old + "x"} {
				resp := s.do(t, ask(authorization))
				wantStatus(t, ask(authorization), resp, http.StatusUnauthorized)
				if got := resp.Header.Get("WWW-Authenticate"); !strings.HasPrefix(got, "Bearer") {
					t.Errorf("%q: 401 with WWW-Authenticate %q", authorization, got)
				}
			}
			for _, authorization := range []string{"Bearer " + old, "bearer " + old, "Bearer " + other} {
				wantStatus(t, ask(authorization), s.do(t, ask(authorization)), http.StatusOK)
			}
			for _, path := range []string{"/livez", "/health", "/healthz", "/readyz", "/ready"} {
				wantStatus(t, get(path), s.do(t, get(path)), http.StatusOK)
			}
			for _, path := range []string{"/profile", "/openapi.json", "/openapi.yaml"} {
				wantStatus(t, get(path), s.do(t, get(path)), http.StatusUnauthorized)
			}

			write(young, other) // rotation: from the next request on
			wantStatus(t, ask("Bearer "+young), s.do(t, ask("Bearer "+young)), http.StatusOK)
			wantStatus(t, ask("Bearer "+old), s.do(t, ask("Bearer "+old)), http.StatusUnauthorized)
			wantStatus(t, ask("Bearer "+other), s.do(t, ask("Bearer "+other)), http.StatusOK)
			if log := s.log.String(); strings.Contains(log, old) || strings.Contains(log, young) {
				t.Error("a token stands in the log")
			}
		})
	}
}
