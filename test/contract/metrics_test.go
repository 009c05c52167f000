//go:build linux

package contract

import (
	"net/http"
	"strings"
	"testing"
)

// What Prometheus scrapes is there where it was asked for, and for who has a token.
func TestMetricsRoute(t *testing.T) {
	t.Parallel()
	for _, bin := range both {
		t.Run(bin.name, func(t *testing.T) {
			t.Parallel()
			if got := start(t, bin).do(t, get("/metrics")); got.Status != http.StatusNotFound {
				t.Errorf("without OTEL_METRICS_EXPORTER: %d", got.Status)
			}
			secret := newSecret(t, oldToken)
			s := start(t, bin, "OTEL_METRICS_EXPORTER=prometheus", "SANDBOX_TOKENS_FILE="+secret.file)
			token := "Authorization: Bearer " + oldToken
			wantRan(t, s.do(t, execute(`{"code":"print(42)"}`, token)))
			for _, r := range []request{
				get("/metrics", token),
				get("/metrics", token, "Accept: application/openmetrics-text;version=1.0.0"),
			} {
				resp := s.do(t, r)
				wantStatus(t, r, resp, http.StatusOK)
				for _, want := range []string{`codecell_runs_total{outcome="ok"} 1`, "codecell_slots_capacity 1", "codecell_zygote_forks_total"} {
					if !strings.Contains(string(resp.Body), want) {
						t.Errorf("no %s in %s", want, resp.Body)
					}
				}
			}
			head := request{method: http.MethodHead, target: "/metrics", header: []string{token}}
			wantStatus(t, head, s.do(t, head), http.StatusOK)
			stranger := get("/metrics")
			wantStatus(t, stranger, s.do(t, stranger), http.StatusUnauthorized)
			foreign := get("/metrics", token, "Host: evil.example")
			wantStatus(t, foreign, s.do(t, foreign), http.StatusMisdirectedRequest)
		})
	}
}
