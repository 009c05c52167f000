package function

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
)

// route is one path and what answers there.
type route struct {
	method string // GET stands for HEAD as well
	open   bool   // without a token: what platforms probe
	answer func(*Service, *exchange) (reply, error)
}

// allow is the route's value of the Allow header.
func (r route) allow() string {
	if r.method == http.MethodGet {
		return "GET, HEAD"
	}
	return r.method
}

var routes = map[string]route{
	"/execute":      {method: http.MethodPost, answer: (*Service).execute},
	"/":             {method: http.MethodPost, answer: (*Service).execute},
	"/livez":        {method: http.MethodGet, open: true, answer: (*Service).live},
	"/health":       {method: http.MethodGet, open: true, answer: (*Service).live},
	"/healthz":      {method: http.MethodGet, open: true, answer: (*Service).live},
	"/readyz":       {method: http.MethodGet, open: true, answer: (*Service).readiness},
	"/ready":        {method: http.MethodGet, open: true, answer: (*Service).readiness},
	"/profile":      {method: http.MethodGet, answer: (*Service).profile},
	"/openapi.yaml": {method: http.MethodGet, answer: (*Service).openAPIYAML},
	"/openapi.json": {method: http.MethodGet, answer: (*Service).openAPIJSON},
	metricsPath:     {method: http.MethodGet, answer: (*Service).metrics},
}

// routeOf is where a request goes, if it is one that telemetry is to see: platforms
// ask some routes every few seconds, and whoever scans for others is counted only.
func routeOf(r *http.Request) string {
	if _, ok := routes[r.URL.Path]; !ok || isProbe(r.URL.Path) {
		return ""
	}
	return r.URL.Path
}

// ServeHTTP answers one request, with one line in the log.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

func (s *Service) serve(w http.ResponseWriter, r *http.Request) {
	x := newExchange(w, r, s.log)
	x.telemetry = s.telemetry
	s.flights.add(x)
	defer s.flights.remove(x)
	defer x.end()
	defer s.account(x)
	defer s.recoverPanic(x)

	rep, err := s.answer(x)
	if err != nil {
		rep = x.refuse(err)
	}
	x.finish(rep)
}

// answer makes the checks that come before the route's own, in the contract's
// order: 404, 405, 403, 421, 401.
func (s *Service) answer(x *exchange) (reply, error) {
	rt, ok := routes[x.r.URL.Path]
	if !ok || x.r.URL.Path == metricsPath && !s.telemetry.Scrapes() {
		return reply{}, errNoRoute
	}
	x.route = x.r.URL.Path
	if x.r.Method != rt.method && (rt.method != http.MethodGet || x.r.Method != http.MethodHead) {
		return reply{}, &methodError{allow: rt.allow()}
	}
	if err := s.origins.Check(x.r); err != nil {
		return reply{}, fmt.Errorf("%w: %w", errCrossOrigin, err)
	}
	if s.cfg.Loopback && !isLoopbackHost(x.r.Host) {
		return reply{}, errForeignHost
	}
	if !rt.open && !s.tokens.Allow(x.r) {
		return reply{}, errNoToken
	}
	return rt.answer(s, x)
}

// recoverPanic answers for a handler that panicked: that is our bug, and its
// stack goes to the log. If a part of the reply may have been sent, the
// connection is cut, so that nobody takes that part for the whole.
func (s *Service) recoverPanic(x *exchange) {
	v := recover()
	if v == nil {
		return
	}
	if x.events != nil {
		x.events.halt() // before the connection is net/http's again
	}
	if v == http.ErrAbortHandler { //nolint:errorlint // a panic with just this value is net/http's protocol
		panic(v)
	}
	x.note(slog.Any("panic", v), slog.String("stack", string(debug.Stack())))
	if x.started {
		x.report(slog.LevelError, reply{status: http.StatusInternalServerError}, nil)
		panic(http.ErrAbortHandler)
	}
	x.finish(x.refuse(errPanic))
}

var errPanic = errors.New("a handler panicked")

// account counts an exchange that was refused.
func (s *Service) account(x *exchange) {
	if x.problem != "" && !isProbe(x.route) {
		s.meters.refused(x.r.Context(), x.problem)
	}
}

// HealthCheckLength is how many bytes of a request IsHealthCheck wants at most.
const HealthCheckLength = len("HEAD /healthz ")

// IsHealthCheck reports whether a request that begins so asks a health route, as
// platforms do: GET or HEAD and the path alone.
func IsHealthCheck(begins []byte) bool {
	method, rest, _ := bytes.Cut(begins, []byte(" "))
	path, _, ended := bytes.Cut(rest, []byte(" "))
	return ended && (string(method) == http.MethodGet || string(method) == http.MethodHead) && routes[string(path)].open
}

const metricsPath = "/metrics"

// isProbe says whether a route is one that platforms ask every few seconds.
func isProbe(path string) bool {
	return slices.Contains([]string{"/livez", "/health", "/healthz", "/readyz", "/ready", metricsPath}, path)
}
