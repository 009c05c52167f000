package function

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"codecell/sandbox"
)

// refuse turns an error into the answer, and notes it for the log. What the
// caller is not told is in the log only.
func (x *exchange) refuse(err error) reply {
	p := problemOf(err)
	x.note(slog.String("problem", p.slug), slog.String("reason", err.Error()))
	return p.reply(x.id)
}

// finish sends the reply and writes the request's line in the log.
func (x *exchange) finish(rep reply) {
	err := x.send(rep)
	level := slog.LevelInfo
	switch {
	case rep.status == http.StatusInternalServerError:
		level = slog.LevelError
	case rep.status >= http.StatusInternalServerError:
		level = slog.LevelWarn
	case isProbe(x.route):
		level = slog.LevelDebug
	}
	x.report(level, rep.status, err)
}

// report writes the request's line in the log: never the program, its output, a
// path that the client made up, or a header, but for the ids of a trace (traceOf).
func (x *exchange) report(level slog.Level, status int, unsent error) {
	attrs := []slog.Attr{
		slog.String("id", x.id),
		slog.String("method", knownMethod(x.r.Method)),
		slog.String("route", x.route),
		slog.Int("status", status),
		slog.Float64("total_ms", millis(time.Since(x.start))),
	}
	attrs = append(attrs, traceOf(x.r.Header)...)
	if unsent != nil {
		attrs = append(attrs, slog.String("unsent", unsent.Error()))
	}
	// The request's context may be done, and has nothing that the log needs.
	x.log.LogAttrs(context.Background(), level, "request", append(attrs, x.noted...)...)
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
