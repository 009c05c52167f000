package function

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"codecell/function/telemetry"
	"codecell/sandbox"

	"go.opentelemetry.io/otel/attribute"
)

// What is worth an operator's look has a name that does not change, in the log as
// "event": these, sandbox's and telemetry's.
const (
	EventPolicyViolation = "policy_violation" // a program was refused
	EventRunKilled       = "run_killed"       // by us or by the kernel; cause says why
	EventLayerAbsent     = "layer_absent"     // at start-up: an isolation layer does not hold here
)

// Causes of EventRunKilled.
const (
	killedDeadline = "deadline"
	killedMemory   = "memory" // the memory line, or the kernel
	killedLeft     = "caller_left"
	killedDrain    = "drain"
)

// refuse turns an error into the answer, and notes it for the log. What the
// caller is not told is in the log only.
func (x *exchange) refuse(err error) reply {
	p := problemOf(err)
	x.problem = p.slug
	x.note(slog.String("problem", p.slug), slog.String("reason", err.Error()))
	return p.reply(x.id)
}

// ran notes what became of a program.
func (x *exchange) ran(r sandbox.Result, waited time.Duration) {
	x.note(outcomeOf(r), usageOf(r, waited))
	if r.Denied != nil {
		x.note(slog.Any("denied", r.Denied))
	}
	x.span().SetAttributes(attribute.String("codecell.outcome", string(r.Outcome)))
}

// hashed notes the SHA-256 of the code, in hexadecimal digits: all that is kept of it.
func (x *exchange) hashed(sum string) {
	x.note(slog.String("code_sha256", sum))
	x.span().SetAttributes(attribute.String("codecell.code_sha256", sum))
}

// judge notes the event that the end of a run is, if it is one. What the policy
// objects to is quoted from the program, so its number is all that is told.
func (x *exchange) judge(r sandbox.Result, err error) {
	var policy *sandbox.PolicyError
	var cause string
	switch {
	case errors.As(err, &policy):
		x.note(slog.String("event", EventPolicyViolation), slog.Int("violations", len(policy.Violations)))
		return
	case errors.Is(err, errDraining), errors.Is(err, sandbox.ErrClosed):
		cause = killedDrain
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		cause = killedLeft
	case err != nil:
		return
	case r.TimedOut:
		cause = killedDeadline
	case r.Outcome == sandbox.OutcomeMemoryLimit && r.ExitCode < 0:
		cause = killedMemory
	default:
		return
	}
	x.note(slog.String("event", EventRunKilled), slog.String("cause", cause))
}

// reportLayers tells of the isolation layers that do not hold here, in one line.
// That the profile can do without them was found when the sandbox was made.
func reportLayers(layers []sandbox.Layer, log *slog.Logger) {
	var absent []any
	for _, layer := range layers {
		if layer.State != sandbox.LayerActive {
			absent = append(absent, slog.String(layer.Name, string(layer.State)+": "+layer.Detail))
		}
	}
	if absent != nil {
		log.Warn("isolation layers do not hold here", "event", EventLayerAbsent, slog.Group("layers", absent...))
	}
}

// finish sends the reply and writes the request's line in the log.
func (x *exchange) finish(rep reply) {
	span := x.child("reply")
	err := x.send(rep)
	span.End()
	level := slog.LevelInfo
	switch {
	case rep.status == http.StatusInternalServerError:
		level = slog.LevelError
	case rep.status >= http.StatusInternalServerError:
		level = slog.LevelWarn
	case isProbe(x.route):
		level = slog.LevelDebug
	}
	x.report(level, rep, err)
}

// report writes the request's line in the log: never the program, its output, a
// path that the client made up, or a header, but for the ids of a trace (traceOf)
// and, made clean, the user agent.
func (x *exchange) report(level slog.Level, rep reply, unsent error) {
	took := time.Since(x.start)
	x.span().SetAttributes(attribute.String("codecell.request_id", x.id))
	if x.problem != "" {
		x.span().SetAttributes(attribute.String("codecell.problem", x.problem))
	}
	attrs := []slog.Attr{
		slog.String("id", x.id),
		slog.String("route", x.route),
		slog.Int("status", rep.status),
		slog.Float64("total_ms", millis(took)),
		slog.Any("httpRequest", x.httpRequest(rep, took)),
	}
	attrs = append(attrs, traceOf(x.telemetry, x.r)...)
	if unsent != nil {
		attrs = append(attrs, slog.String("unsent", unsent.Error()))
	}
	// The request's context may be done, and has nothing that the log needs.
	x.log.LogAttrs(context.Background(), level, "request", append(attrs, x.noted...)...)
}

// httpRequest is a request as Cloud Logging shows it: HttpRequest of its API v2.
// At a terminal it is a few words.
type httpRequest struct {
	Method    string `json:"requestMethod"`
	URL       string `json:"requestUrl"` // the route: what else a client asks for is its own
	Status    int    `json:"status"`
	Size      string `json:"responseSize"` // bytes
	UserAgent string `json:"userAgent,omitempty"`
	RemoteIP  string `json:"remoteIp,omitempty"`
	Latency   string `json:"latency"` // seconds, with an s
	Protocol  string `json:"protocol"`
}

func (h httpRequest) String() string {
	return fmt.Sprintf("%s %s from %s", h.Method, h.URL, h.RemoteIP)
}

// agentBytes is how much of a user agent is kept.
const agentBytes = 200

func (x *exchange) httpRequest(rep reply, took time.Duration) httpRequest {
	host, _, _ := net.SplitHostPort(x.r.RemoteAddr) // empty if it is no such thing
	status, size := rep.status, len(rep.body)
	if x.events != nil && x.events.wrote > 0 {
		status, size = http.StatusOK, x.events.wrote
	}
	return httpRequest{
		Method: knownMethod(x.r.Method), URL: x.route, Status: status, Size: strconv.Itoa(size),
		UserAgent: telemetry.Clean(x.r.UserAgent(), agentBytes), RemoteIP: host,
		Latency: strconv.FormatFloat(took.Seconds(), 'f', 6, 64) + "s", Protocol: fmt.Sprintf("HTTP/%d.%d", x.r.ProtoMajor, x.r.ProtoMinor),
	}
}

func outcomeOf(r sandbox.Result) slog.Attr {
	return slog.Group("run",
		slog.String("outcome", string(r.Outcome)),
		slog.Int("exit_code", r.ExitCode),
		slog.Bool("truncated", r.Stdout.Truncated || r.Stderr.Truncated),
	)
}

func usageOf(r sandbox.Result, waited time.Duration) slog.Attr {
	return slog.Group("usage",
		slog.Float64("wall_ms", millis(r.Usage.Wall)),
		slog.Float64("cpu_ms", millis(r.Usage.CPU)),
		slog.Int64("max_rss_kib", r.Usage.MaxRSS),
		slog.Float64("wait_ms", millis(waited)),
	)
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func knownMethod(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}
	return "other"
}
