package function

import "testing"

func TestIsHealthCheck(t *testing.T) {
	t.Parallel()
	for begins, want := range map[string]bool{
		"GET /livez HTTP/1.1":              true,
		"HEAD /healthz ":                   true,
		"GET /ready ":                      true,
		"GET /livez":                       false, // may go on
		"GET /livez?":                      false,
		"POST /livez ":                     false,
		"get /livez ":                      false,
		"GET /execute ":                    false,
		"POST /execute HTT":                false,
		"GET /profile HTTP":                false,
		"GET http://x/livez HT":            false,
		"":                                 false,
		" ":                                false,
		"GET  ":                            false,
		"\x16\x03\x01\x02\x00\x01\x00\x01": false, // TLS
	} {
		if got := IsHealthCheck([]byte(begins)); got != want {
			t.Errorf("%q: %t", begins, got)
		}
	}
	for path, rt := range routes {
		if begins := "HEAD " + path + " "; rt.open && (len(begins) > HealthCheckLength || !IsHealthCheck([]byte(begins))) {
			t.Errorf("%q is not seen in %d bytes", begins, HealthCheckLength)
		}
	}
}
