package function

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"time"

	"codecell/function/telemetry"
	"codecell/sandbox"
)

// runner is what the service needs of a sandbox; *sandbox.Sandbox documents it.
type runner interface {
	Run(ctx context.Context, job sandbox.Job) (sandbox.Result, error)
	Ready() error
	Profile() *sandbox.Profile
	Budget() sandbox.Budget
	Layers() []sandbox.Layer
	Runtime() sandbox.Runtime
	Counts() sandbox.Counts
	Memory() (sandbox.Memory, error)
	Close() error
}

// Service answers the requests of one container. Its methods are safe for
// concurrent use.
type Service struct {
	cfg     Config
	log     *slog.Logger
	box     runner
	tokens  *tokens // nil: none are asked for
	origins *http.CrossOriginProtection
	gate    *gate
	intake  intake
	decode  chan struct{} // holds one: a request is decoded at a time (see decodeBytes)
	flights flights

	heartbeat time.Duration // of answers in events

	handler   http.Handler // serve, within what telemetry has around it
	telemetry *telemetry.Telemetry
	meters    *meters // nil: nothing is measured

	closing context.Context // done when Drain begins
	close   context.CancelFunc
	killing context.Context // done when Drain will not wait for runs any longer
	kill    context.CancelFunc
}

// newService returns the service around box, which is warm.
func newService(cfg Config, box runner, log *slog.Logger) (*Service, error) {
	tokens, err := loadTokens(cfg.TokensFile, log)
	if err != nil {
		return nil, err
	}
	budget := box.Budget()
	s := &Service{
		cfg: cfg, log: log, box: box, tokens: tokens,
		origins: http.NewCrossOriginProtection(),
		gate:    newGate(budget.Slots, budget.ForRuns(), cfg.MaxWait),
		intake:  newIntake(budget.Slots, cfg.MaxWait > 0),
		decode:  make(chan struct{}, 1),

		heartbeat: heartbeat,
	}
	s.closing, s.close = context.WithCancel(context.Background())
	s.killing, s.kill = context.WithCancel(context.Background())
	if err := s.observe(telemetry.Off()); err != nil {
		return nil, err
	}
	return s, nil
}

// observe lets t see the requests. It is called before the first of them.
func (s *Service) observe(t *telemetry.Telemetry) error {
	s.telemetry = t
	s.handler = t.Wrap(http.HandlerFunc(s.serve), routeOf)
	if !t.Measuring() {
		return nil
	}
	var err error
	s.meters, err = newMeters(t.Meter(), s)
	return err
}

// Config returns what the service was configured with.
func (s *Service) Config() Config { return s.cfg }

// Close ends the sandbox. Requests are answered 503 from then on. What telemetry
// has not exported by then is lost after closeTime: Drain has flushed it.
func (s *Service) Close() error {
	s.gate.Close()
	s.close()
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	if err := s.telemetry.Shutdown(ctx); err != nil {
		s.log.Debug("telemetry ends", "error", err)
	}
	return s.box.Close()
}

const closeTime = 100 * time.Millisecond

// execute is the way of one request once it is known who may send it: the checks
// in the contract's order, cheap ones first, so that a request which can't be
// served has cost nothing. Until readBody not a byte of the body is read; from
// then on the exchange holds the right to it, until its reply is written.
func (s *Service) execute(x *exchange) (reply, error) {
	if err := s.ready(); err != nil {
		return reply{}, err // 503
	}
	if err := checkMedia(x.r.Header); err != nil {
		return reply{}, err // 415
	}
	if x.r.ContentLength > MaxBody {
		return reply{}, errTooLarge // 413
	}
	place, err := s.gate.Join()
	if err != nil {
		return reply{}, err // 429, unread
	}
	defer place.Leave()
	leave, ok := s.intake.Enter()
	if !ok {
		return reply{}, s.gate.Full("intake") // 429, unread
	}
	x.leave = leave

	job, err := s.read(x)
	if err != nil {
		return reply{}, err // 408, 413, 400; 400, 422, 400
	}
	reserved, waited, err := s.admit(x, place, job)
	if err != nil {
		return reply{}, err // 429
	}
	// For a panic on the way. Run has returned by then, and before it returns
	// the process is reaped; nothing else may end a reservation.
	defer reserved.Release()
	timeout := job.Limits.Timeout
	result, err := s.run(x, job, reserved)
	if err != nil {
		return reply{}, err // 400 by policy, ours 500 and 503
	}
	x.ran(result, waited)
	s.meters.ran(x.r.Context(), result)
	return encodeResult(result, timeout, waited), nil // 200 for whatever a program did
}

// read reads the request's body and returns the job in it.
func (s *Service) read(x *exchange) (sandbox.Job, error) {
	span := x.child("read")
	defer span.End()
	body, err := x.readBody(s.closing)
	if err != nil {
		return sandbox.Job{}, err
	}
	return s.decodeJob(x, body)
}

// decodeJob decodes one body at a time: what it takes to decode the worst of
// them is set aside once, not for each request.
func (s *Service) decodeJob(x *exchange, body []byte) (sandbox.Job, error) {
	s.decode <- struct{}{}
	defer func() { <-s.decode }()
	job, err := decodeJob(newDecoder(body), s.box.Profile())
	if err == nil {
		sum := sha256.Sum256([]byte(job.Code))
		x.hashed(hex.EncodeToString(sum[:]))
	}
	return job, err
}

// run runs the job and gives the reservation back as soon as its process is
// reaped, before any reply is written: the caller's next request on the same
// connection never meets this one. The run is killed when the client leaves or
// when Drain will not wait any longer.
func (s *Service) run(x *exchange, job sandbox.Job, reserved *reservation) (sandbox.Result, error) {
	defer reserved.Release()
	ctx, cancel := context.WithCancelCause(x.r.Context())
	defer cancel(nil)
	defer context.AfterFunc(s.killing, func() { cancel(errDraining) })()
	if wantsEvents(x.r.Header) {
		job.Follow = x.stream(s.heartbeat, func() { cancel(context.Canceled) }).follow
	}
	job.Killed = reserved.Dying
	job.Timeline = x.timeline()
	result, err := s.box.Run(ctx, job)
	x.draw(job.Timeline, result)
	x.judge(result, err)
	return result, err
}

// ready says whether a program could be run now, slots aside: nil, errDraining,
// or an error that is sandbox.ErrNotReady and says why.
func (s *Service) ready() error {
	if s.gate.Closed() {
		return errDraining
	}
	if err := s.box.Ready(); err != nil {
		return &notReadyError{err}
	}
	return nil
}

// notReadyError is a sandbox that has no warm interpreter, and its reason.
type notReadyError struct{ reason error }

func (e *notReadyError) Error() string        { return "not ready: " + e.reason.Error() }
func (e *notReadyError) Is(target error) bool { return target == sandbox.ErrNotReady }
func (e *notReadyError) Unwrap() error        { return e.reason }
