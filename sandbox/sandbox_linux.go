package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"

	"golang.org/x/sys/unix"
)

// Sandbox runs programs. Its methods are safe for concurrent use.
type Sandbox struct {
	profile     *Profile
	interpreter Interpreter
	plan        plan
	budget      Budget
	layers      []Layer
	line        *memoryWatch
	memory      containerMemory
	keeper      *keeper
	scratch     int64              // bytes of memory in the operator's volume
	end         context.CancelFunc // of a zygote that is still starting
}

// New probes the machine, refuses what can't be safe, and returns with a warm
// zygote. The server becomes non-dumpable and the subreaper of what it starts.
//
// The error says what is missing, why it matters and what to do: a *BudgetError,
// a *RequireError, a *SetupError, or one about the configuration.
func New(ctx context.Context, cfg Config) (_ *Sandbox, err error) {
	log := cfg.Log
	if log == nil {
		log = slog.Default()
	}
	if err := protectServer(); err != nil {
		return nil, err
	}
	if err := checkPlace(1, cfg.Doors.Clients); err != nil {
		return nil, err
	}
	p := newPlan()
	defer func() {
		if err != nil {
			_ = p.close() // refused anyway
		}
	}()
	if err := p.possible(cfg.Profile.Workspace > 0); err != nil {
		return nil, err
	}
	s := &Sandbox{profile: cfg.Profile}
	slots := maxSlots(cfg.Slots)
	if cfg.Profile.Workspace > 0 && cfg.Workspace != "" {
		folder, size, memory, err := openVolume(cfg.Workspace)
		if err != nil {
			return nil, err
		}
		p, s.scratch = p.withVolume(folder), memory
		sized := *cfg.Profile
		sized.Workspace = max(1, down(size)) // what the volume has, whatever the profile would mount
		s.profile, cfg.Profile = &sized, &sized
		// A run stands in it without, but could not open what it calls by a whole path.
		if _, err := (reach{uid: p.uid, gid: p.gid, lookup: lookup}).to(cfg.Workspace, toExecute); err != nil {
			return nil, fmt.Errorf("sandbox: SANDBOX_WORKSPACE=%s is out of reach of uid %d, which is its programs': %w. Open it and the folders above it to everybody (mode o+x)", cfg.Workspace, p.uid, err)
		}
		if cfg.Slots > 1 {
			return nil, fmt.Errorf("sandbox: SANDBOX_WORKSPACE=%s with SANDBOX_MAX_CONCURRENCY=%d: runs that share a volume could fill it for each other. "+
				"Have one slot in each container, or leave SANDBOX_WORKSPACE out where a mount namespace can be had", cfg.Workspace, cfg.Slots)
		}
		slots, cfg.Slots = 1, 1
	}
	// To ask an interpreter what it is takes as long as to begin a launch: both at once.
	find := sync.OnceValues(func() (Interpreter, error) { return findPython(ctx, cfg.Python, p.uid, p.gid, cfg.Profile) })
	go func() { _, _ = find() }() // what comes of it is asked for below
	// How many slots there will be depends on how much a warm zygote holds: the
	// first one is made for as many as there can be.
	first, err := s.firstZygote(ctx, p, find, slots, log)
	s.interpreter, _ = find() // its error is the launch's; whoever was asked has ended
	if err != nil {
		return nil, err
	}
	err = s.settle(cfg, first, log)
	if err == nil {
		err = s.try(ctx, first)
	}
	if err != nil {
		first.kill("the machine was refused")
		<-first.dead
		if s.line != nil {
			_ = s.line.Close() // refused anyway
		}
		return nil, err
	}
	life, end := context.WithCancel(context.Background())
	s.end = end
	start := func() (*zygote, error) {
		return startZygote(life, s.plan, find, s.profile, s.budget.Slots, log)
	}
	s.keeper = newKeeper(first, start, s.profile.Zygote, s.count(log), log)
	return s, nil
}

// protectServer makes this process one that no other may inspect, and the parent
// of whatever a zygote leaves behind.
func protectServer() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return &SetupError{"non_dumpable", err}
	}
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return &SetupError{"subreaper", err}
	}
	return nil
}

// mostSlots bounds the number of slots, Auto's included: a container with more
// is better served by two.
const mostSlots = 256

func maxSlots(asked int) int {
	if asked == Auto {
		return mostSlots
	}
	return min(max(asked, 1), mostSlots)
}

// firstZygote starts one with as many namespaces as can be had: the plan is then
// known to work, and kept.
func (s *Sandbox) firstZygote(ctx context.Context, p plan, find finder, slots int, log *slog.Logger) (*zygote, error) {
	for {
		z, err := startZygote(ctx, p, find, s.profile, slots, log)
		if err == nil {
			s.plan = p
			return z, nil
		}
		if !p.fallBack(err) {
			return nil, err
		}
		log.Debug("fewer namespaces", "error", err)
	}
}

// settle opens the memory line, does the arithmetic with what a warm zygote
// really holds, and checks that every required layer is there.
func (s *Sandbox) settle(cfg Config, z *zygote, log *slog.Logger) error {
	found, err := findMemory(os.DirFS("/"))
	if err != nil {
		return err
	}
	s.memory = found
	server, err := processCharge(os.Getpid())
	if err != nil {
		return err
	}
	warm, err := processCharge(z.pid)
	if err != nil {
		return err
	}
	inputs := budgetInputs{
		memory: found, limit: cfg.MemoryLimit, reserve: cfg.MemoryReserve,
		server: server, zygote: warm + z.library, doors: cfg.Doors,
		ceiling: s.profile.Limits.Memory, beside: s.profile.besideMemory(s.plan.volume != nil), scratch: s.scratch,
		slots: cfg.Slots, cores: runtime.NumCPU(),
	}
	s.budget, err = settle(inputs)
	if err == nil && s.budget.Slots > mostSlots {
		inputs.slots = mostSlots
		s.budget, err = settle(inputs)
	}
	if err != nil {
		return err
	}
	if err := checkPlace(s.budget.Slots, cfg.Doors.Clients); err != nil { // now that their number is known
		return err
	}
	if _, ok := os.LookupEnv("GOMEMLIMIT"); !ok { //nolint:forbidigo // the Go runtime's own variable
		debug.SetMemoryLimit(s.budget.goMemLimit())
	}
	var volume *os.File
	if s.scratch > 0 {
		volume = s.plan.volume
	}
	pinned := pinnedSlab(s.budget.Slots, s.profile.Workspace, volume)
	if s.line, err = openMemoryWatch(found, s.budget.Limit, s.budget.margin, pinned, log); err != nil {
		return err
	}
	s.layers = append(s.plan.layers(s.profile), Layer{"memory_line", LayerActive, s.line.String()})
	require := cfg.Require
	if require == nil {
		require = s.profile.Require
	}
	return requireLayers(s.layers, require)
}

// try runs a program with nothing in it: what only a run can find out, in its own
// jail, is found out before there is a caller. The error is a *SetupError.
func (s *Sandbox) try(ctx context.Context, z *zygote) error {
	limits := Limits{Timeout: s.profile.Limits.DefaultTimeout, Memory: s.profile.Limits.Memory}
	result, err := z.run(ctx, Job{Limits: limits}, s.line)
	if err == nil && result.Outcome != OutcomeOK {
		err = fmt.Errorf("%s: %s", result.Outcome, result.Stderr.Data)
	}
	var step *SetupError
	if err == nil || errors.As(err, &step) {
		return err
	}
	return &SetupError{"an empty program", err}
}

// count puts each warm zygote under the memory line's account for its life.
func (s *Sandbox) count(log *slog.Logger) func(*zygote) {
	return func(z *zygote) {
		remove, err := s.line.addZygote(z.pid, z.library)
		if err != nil {
			log.Error("a zygote can't be counted", "error", err)
			return
		}
		go func() {
			<-z.dead
			remove()
		}()
	}
}

// Run runs one program and returns when its process is reaped and its memory is
// back. The caller holds a reservation for it (RunWeight) until then.
//
// Errors: *PolicyError, ErrNotReady, ErrRunLost, ErrClosed, *SetupError, or
// context.Cause(ctx) when ctx ended first; the run is then already killed and reaped.
func (s *Sandbox) Run(ctx context.Context, job Job) (Result, error) {
	job.Limits.Timeout = cmp.Or(job.Limits.Timeout, s.profile.Limits.DefaultTimeout)
	job.Limits.Memory = cmp.Or(job.Limits.Memory, s.profile.Limits.Memory)
	if err := job.check(s.profile); err != nil {
		return Result{}, err
	}
	if err := ctx.Err(); err != nil {
		return Result{}, context.Cause(ctx)
	}
	z, err := s.keeper.acquire()
	if err != nil {
		return Result{}, err
	}
	defer s.keeper.release(z)
	return z.run(ctx, job, s.line)
}

// Ready returns nil when a warm zygote waits for work, else the reason as an
// error fit for a caller to read.
func (s *Sandbox) Ready() error { return s.keeper.ready() }

// Profile returns the profile in force.
func (s *Sandbox) Profile() *Profile { return s.profile }

// Budget returns the arithmetic that was settled at start-up.
func (s *Sandbox) Budget() Budget { return s.budget }

// Layers returns the isolation layers as they were found at start-up.
func (s *Sandbox) Layers() []Layer { return slices.Clone(s.layers) }

// Interpreter returns the one that was chosen, and why others were passed over.
func (s *Sandbox) Interpreter() Interpreter { return s.interpreter }

// Runtime returns the interpreter's language and version.
func (s *Sandbox) Runtime() Runtime { return Runtime{"python", s.interpreter.Version} }

// Close kills what still runs, ends the zygote and reaps everything.
func (s *Sandbox) Close() error {
	s.end()
	s.keeper.close()
	return errors.Join(s.line.Close(), s.plan.close())
}
