package function

import (
	"context"
	"errors"
	"runtime"
	"time"

	"codecell/function/telemetry"
	"codecell/sandbox"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// meters count what happens. Nil is one that does not. Their names don't change,
// and neither do the values of their attributes: no caller can add one.
type meters struct {
	runs     metric.Int64Counter
	duration metric.Float64Histogram
	cpu      metric.Float64Histogram
	peak     metric.Int64Histogram
	wait     metric.Float64Histogram
	refusals metric.Int64Counter
}

// Where histograms have their borders, in seconds and bytes.
var (
	runTimes   = []float64{.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 20, 30}
	waitTimes  = []float64{.0001, .001, .01, .1, .5, 1, 2, 5, 10, 30, 60}
	peakMemory = []float64{16 << 20, 32 << 20, 64 << 20, 128 << 20, 256 << 20, 512 << 20, 1 << 30, 2 << 30}
)

// outcomes are sandbox's, all of them.
var outcomes = []sandbox.Outcome{
	sandbox.OutcomeOK, sandbox.OutcomeFailed, sandbox.OutcomeTimeout, sandbox.OutcomeMemoryLimit, sandbox.OutcomeCrashed,
}

// newMeters makes the instruments of m, and lets it ask s for what it is full of.
func newMeters(m metric.Meter, s *Service) (*meters, error) {
	c := &meters{}
	var errs [8]error
	c.runs, errs[0] = m.Int64Counter("codecell.runs", metric.WithUnit("{run}"),
		metric.WithDescription("Programs that ran, by outcome."))
	c.duration, errs[1] = m.Float64Histogram("codecell.run.duration", metric.WithUnit("s"),
		metric.WithDescription("Wall clock of a run, from its hand-over until its process had ended, by outcome."),
		metric.WithExplicitBucketBoundaries(runTimes...))
	c.cpu, errs[2] = m.Float64Histogram("codecell.run.cpu", metric.WithUnit("s"),
		metric.WithDescription("Processor time of a run, user and system."),
		metric.WithExplicitBucketBoundaries(runTimes...))
	c.peak, errs[3] = m.Int64Histogram("codecell.run.memory.peak", metric.WithUnit("By"),
		metric.WithDescription("Highest resident memory of a run, with the pages that it shares with its interpreter."),
		metric.WithExplicitBucketBoundaries(peakMemory...))
	c.wait, errs[4] = m.Float64Histogram("codecell.admission.wait", metric.WithUnit("s"),
		metric.WithDescription("Time from a decoded request to its slot or its refusal."),
		metric.WithExplicitBucketBoundaries(waitTimes...))
	c.refusals, errs[5] = m.Int64Counter("codecell.refusals", metric.WithUnit("{request}"),
		metric.WithDescription("Requests answered with a problem, by its slug; probes are not counted."))
	errs[6] = s.watchGate(m)
	errs[7] = s.watchSandbox(m)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	// At nought from the start: a counter that appears with its first event hides
	// that event from rate() and increase().
	for _, outcome := range outcomes {
		c.runs.Add(context.Background(), 0, withOutcome(outcome))
	}
	for _, slug := range []string{"at-capacity", "policy", "draining", "not-ready", "run-lost", "internal", "unauthorized", "body-timeout"} {
		c.refusals.Add(context.Background(), 0, withReason(slug))
	}
	return c, nil
}

func withOutcome(o sandbox.Outcome) metric.MeasurementOption {
	return metric.WithAttributes(attribute.String("outcome", string(o)))
}

func withReason(slug string) metric.MeasurementOption {
	return metric.WithAttributes(attribute.String("reason", slug))
}

// ran counts one program. The context has the trace, for exemplars.
func (c *meters) ran(ctx context.Context, r sandbox.Result) {
	if c == nil {
		return
	}
	outcome := withOutcome(r.Outcome)
	c.runs.Add(ctx, 1, outcome)
	c.duration.Record(ctx, r.Usage.Wall.Seconds(), outcome)
	c.cpu.Record(ctx, r.Usage.CPU.Seconds())
	c.peak.Record(ctx, r.Usage.MaxRSS<<10)
}

func (c *meters) waited(ctx context.Context, d time.Duration) {
	if c != nil {
		c.wait.Record(ctx, d.Seconds())
	}
}

func (c *meters) refused(ctx context.Context, slug string) {
	if c != nil {
		c.refusals.Add(ctx, 1, withReason(slug))
	}
}

// watchGate lets m ask how full the gate is.
func (s *Service) watchGate(m metric.Meter) error {
	w := watcher{meter: m}
	capacity := w.gauge("codecell.slots.capacity", "{slot}", "Runs that there may be at once.")
	used := w.gauge("codecell.slots.used", "{slot}", "Runs in flight.")
	limit := w.gauge("codecell.memory.limit", "By", "What the container may charge.")
	reserve := w.gauge("codecell.memory.reserve", "By", "What is kept for the server, its interpreters and its clients.")
	budget := w.gauge("codecell.memory.capacity", "By", "What runs may weigh together.")
	weighs := w.gauge("codecell.memory.used", "By", "What the runs in flight weigh.")
	info := w.gauge("codecell.build.info", "", "1, with what was built and what it runs on.")
	built := metric.WithAttributes(
		attribute.String("version", telemetry.Version()), attribute.String("go", runtime.Version()),
		attribute.String("python", s.box.Runtime().Version), attribute.String("profile", s.box.Profile().Name),
	)
	return w.watch(func(_ context.Context, o metric.Observer) error {
		b, now := s.box.Budget(), s.gate.Occupancy()
		o.ObserveInt64(capacity, int64(b.Slots))
		o.ObserveInt64(used, int64(now.InFlight))
		o.ObserveInt64(limit, b.Limit.Bytes())
		o.ObserveInt64(reserve, b.Reserve.Bytes())
		o.ObserveInt64(budget, b.ForRuns().Bytes())
		o.ObserveInt64(weighs, now.Used.Bytes())
		o.ObserveInt64(info, 1, built)
		return nil
	})
}

// watchSandbox lets m ask what the sandbox and the kernel have counted.
func (s *Service) watchSandbox(m metric.Meter) error {
	w := watcher{meter: m}
	kills := w.counter("codecell.memory_line.kills", "{run}", "Runs that the memory line killed, so that the kernel does not kill the container.")
	restarts := w.counter("codecell.zygote.restarts", "{zygote}", "Interpreters that were lost and replaced; those replaced for their age are not counted.")
	forks := w.counter("codecell.zygote.forks", "{run}", "Runs forked, ahead or on demand.")
	rss := w.gauge("codecell.server.memory", "By", "Resident memory of the server.")
	usage := w.gauge("codecell.cgroup.memory.usage", "By", "What the container's cgroup is charged with, reclaimable pages included.")
	limit := w.gauge("codecell.cgroup.memory.limit", "By", "The limit of the container's cgroup.")
	oom := w.counter("codecell.cgroup.oom_kills", "{process}", "Processes that the kernel has killed for the cgroup's memory.")
	return w.watch(func(_ context.Context, o metric.Observer) error {
		counts := s.box.Counts()
		o.ObserveInt64(kills, counts.MemoryLineKills)
		o.ObserveInt64(restarts, counts.ZygotesLost)
		o.ObserveInt64(forks, counts.Forks)
		memory, err := s.box.Memory()
		if err != nil {
			return err
		}
		o.ObserveInt64(rss, memory.Server)
		if memory.Cgroup {
			o.ObserveInt64(usage, memory.Usage)
			o.ObserveInt64(limit, memory.Limit)
			o.ObserveInt64(oom, memory.OOMKills)
		}
		return nil
	})
}

// watcher collects instruments that are asked together.
type watcher struct {
	meter metric.Meter
	all   []metric.Observable
	errs  []error
}

func (w *watcher) gauge(name, unit, description string) metric.Int64Observable {
	g, err := w.meter.Int64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(description))
	w.all, w.errs = append(w.all, g), append(w.errs, err)
	return g
}

func (w *watcher) counter(name, unit, description string) metric.Int64Observable {
	c, err := w.meter.Int64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
	w.all, w.errs = append(w.all, c), append(w.errs, err)
	return c
}

func (w *watcher) watch(ask metric.Callback) error {
	_, err := w.meter.RegisterCallback(ask, w.all...)
	return errors.Join(append(w.errs, err)...)
}
