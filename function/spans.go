package function

import (
	"context"
	"time"

	"codecell/sandbox"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// The spans of one request. Package telemetry makes the outermost, and these are
// its children, one after the other:
//
//	POST /execute
//	├── read      its body, decoded
//	├── admit     until it had its slot and its MiB, or was refused
//	├── fork      the next five as sandbox.Timeline has them
//	├── jail
//	├── policy
//	├── program
//	├── reap
//	└── reply     until the kernel had the last byte of it
//
// None has anything of the program or its output but the SHA-256 of the code.

// child starts a span for a part of the exchange; it costs nothing where the
// request has none that is kept. The caller must End it.
func (x *exchange) child(name string) trace.Span {
	if !x.span().IsRecording() {
		return trace.SpanFromContext(context.Background()) // one that does nothing
	}
	_, span := x.telemetry.Tracer().Start(x.r.Context(), name)
	return span
}

// span is the request's.
func (x *exchange) span() trace.Span { return trace.SpanFromContext(x.r.Context()) }

// timeline returns what sandbox.Run is to fill in, nil where nobody asks.
func (x *exchange) timeline() *sandbox.Timeline {
	if !x.span().IsRecording() {
		return nil
	}
	return new(sandbox.Timeline)
}

// draw makes a run's steps spans, afterwards. A run that was parked shows what
// was done before its program came as spans of no length.
func (x *exchange) draw(line *sandbox.Timeline, result sandbox.Result) {
	if line == nil {
		return
	}
	for _, step := range line.Steps {
		_, span := x.telemetry.Tracer().Start(x.r.Context(), step.Name, trace.WithTimestamp(step.Start))
		switch step.Name {
		case sandbox.StepFork, sandbox.StepJail:
			span.SetAttributes(attribute.Bool("codecell.parked", line.Parked))
			if line.Parked {
				span.SetAttributes(attribute.Float64("codecell.ahead_ms", millis(line.Ahead)))
			}
		case sandbox.StepProgram:
			if result.Outcome != "" {
				span.SetAttributes(
					attribute.String("codecell.outcome", string(result.Outcome)),
					attribute.Int("codecell.exit_code", result.ExitCode),
					attribute.Float64("codecell.cpu_ms", millis(result.Usage.CPU)),
					attribute.Int64("codecell.max_rss_kib", result.Usage.MaxRSS),
				)
			}
		}
		span.End(trace.WithTimestamp(step.End))
	}
}

// room describes the gate to the span of an admission.
func (s *Service) room(weight sandbox.MiB) []attribute.KeyValue {
	now := s.gate.Occupancy()
	return []attribute.KeyValue{
		attribute.Int64("codecell.weight_mib", int64(weight)),
		attribute.Int("codecell.slots.capacity", s.gate.slots),
		attribute.Int("codecell.slots.used", now.InFlight),
		attribute.Int("codecell.waiting", now.Waiting),
		attribute.Int64("codecell.memory.capacity_mib", int64(s.gate.budget)),
		attribute.Int64("codecell.memory.used_mib", int64(now.Used)),
	}
}

// admit waits for the job's slot and MiB: place.Reserve, seen.
func (s *Service) admit(x *exchange, place *place, job sandbox.Job) (*reservation, time.Duration, error) {
	weight := s.box.Budget().RunWeight(job.Limits.Memory)
	span := x.child("admit")
	defer span.End()
	if span.IsRecording() {
		span.SetAttributes(s.room(weight)...)
	}
	arrived := time.Now()
	reserved, err := place.Reserve(x.r.Context(), weight, job.Limits.Timeout)
	waited := time.Since(arrived)
	s.meters.waited(x.r.Context(), waited)
	span.SetAttributes(attribute.Bool("codecell.admitted", err == nil))
	return reserved, waited, err
}
