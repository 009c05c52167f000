package sandbox

import (
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const (
	testLine   = 640 << 20
	testMargin = 64 << 20
	testNear   = testLine - 1 // where a look follows the other
)

// fakeCharge is a charge that the test sets.
type fakeCharge struct {
	mu    sync.Mutex
	bytes int64
	err   error
	reads int
}

func (f *fakeCharge) charge(int64) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reads++
	return f.bytes, f.err
}

func (f *fakeCharge) set(bytes int64, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bytes, f.err = bytes, err
}

func (f *fakeCharge) taken() (reads int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	reads, f.reads = f.reads, 0
	return reads
}

func (f *fakeCharge) String() string { return "fake" }
func (f *fakeCharge) Close() error   { return nil }

// killLog is the runs that were killed, in order.
type killLog struct {
	mu    sync.Mutex
	names []string
}

func (k *killLog) want(t *testing.T, names ...string) {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	if !slices.Equal(k.names, names) {
		t.Fatalf("killed %q; want %q", k.names, names)
	}
}

type fakeRun struct {
	name  string
	log   *killLog
	onEnd func() // called by kill, if not nil
	held  int64  // what charge says, in bytes; guarded by log.mu
}

func (r *fakeRun) kill(cause killCause) {
	r.log.mu.Lock()
	if cause != killedByMemoryLine {
		r.log.names = append(r.log.names, "with another cause:")
	}
	r.log.names = append(r.log.names, r.name)
	r.log.mu.Unlock()
	if r.onEnd != nil {
		r.onEnd()
	}
}

func (r *fakeRun) charge() (int64, error) {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	return r.held, nil
}

func (r *fakeRun) grow(by int64) {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	r.held += by
}

func (r *fakeRun) weight() MiB { return 100 }

// watchInBubble runs f with a watch of one fake charge near its line, in fake time.
func watchInBubble(t *testing.T, f func(t *testing.T, w *memoryWatch, charge *fakeCharge, killed *killLog)) {
	synctest.Test(t, func(t *testing.T) {
		charge := &fakeCharge{bytes: testNear}
		w := startMemoryWatch([]memoryLine{{source: charge, at: testLine, margin: testMargin}}, nil, slog.New(slog.DiscardHandler))
		defer w.Close()
		f(t, w, charge, new(killLog))
	})
}

// pass lets the watch look n times, near its line.
func pass(n int) {
	time.Sleep(time.Duration(n) * watchPeriod) // fake time
	synctest.Wait()
}

func TestWatchSleepsWithoutRuns(t *testing.T) {
	watchInBubble(t, func(t *testing.T, w *memoryWatch, charge *fakeCharge, killed *killLog) {
		charge.set(2*testLine, nil)
		for range 2 {
			time.Sleep(time.Hour)
			synctest.Wait()
			if n := charge.taken(); n != 0 {
				t.Fatalf("%d looks in an hour without a run", n)
			}
			for _, far := range []struct {
				charge      int64
				least, most int
			}{{0, 20, 22}, {testNear, 190, 202}} {
				charge.set(far.charge, nil)
				remove := w.add(&fakeRun{name: "a", log: killed})
				time.Sleep(time.Second)
				remove()
				time.Sleep(watchLongest)
				synctest.Wait()
				if n := charge.taken(); n < far.least || n > far.most {
					t.Fatalf("%d looks in a second with a run, at %d MiB; want %d to %d", n, far.charge>>20, far.least, far.most)
				}
			}
		}
		killed.want(t)
	})
}

func TestWatchSparesAnHonestNewcomer(t *testing.T) {
	watchInBubble(t, func(t *testing.T, w *memoryWatch, charge *fakeCharge, killed *killLog) {
		defer w.add(&fakeRun{name: "honest", log: killed, held: 50 << 20})()
		defer w.add(&fakeRun{name: "heavy", log: killed, held: 101 << 20})()
		defer w.add(&fakeRun{name: "newcomer", log: killed, held: 100 << 20})()
		charge.set(testLine, nil)
		pass(1)
		killed.want(t, "heavy")
		charge.set(testLine+watchRise, nil)
		pass(1)
		killed.want(t, "heavy", "newcomer")
	})
}

// Several that grow together all go at once, and who grows too heavy while they are
// on their way out does not have to wait.
func TestWatchKillsAllThatAreTooHeavy(t *testing.T) {
	watchInBubble(t, func(t *testing.T, w *memoryWatch, charge *fakeCharge, killed *killLog) {
		late := &fakeRun{name: "late", log: killed, held: 100 << 20}
		defer w.add(late)()
		defer w.add(&fakeRun{name: "a", log: killed, held: 101 << 20})()
		defer w.add(&fakeRun{name: "honest", log: killed, held: 50 << 20})()
		defer w.add(&fakeRun{name: "b", log: killed, held: 150 << 20})()
		charge.set(testLine, nil)
		pass(1)
		killed.want(t, "a", "b")
		late.grow(2 << 20)
		pass(1)
		killed.want(t, "a", "b", "late")
		pass(10)
		killed.want(t, "a", "b", "late")
	})
}

func TestWatchKillsTheNewestAndWaits(t *testing.T) {
	watchInBubble(t, func(t *testing.T, w *memoryWatch, charge *fakeCharge, killed *killLog) {
		removeA := w.add(&fakeRun{name: "a", log: killed})
		removeB := w.add(&fakeRun{name: "b", log: killed})
		charge.set(testLine-1, nil)
		pass(10)
		killed.want(t)
		charge.set(testLine, nil)
		pass(1)
		killed.want(t, "b")

		// b is on its way out, and its memory comes back slowly. A run that
		// comes meanwhile has done nothing.
		charge.set(testLine+watchRise-1, nil)
		removeC := w.add(&fakeRun{name: "c", log: killed})
		pass(100)
		killed.want(t, "b")

		// b is gone, and it was not b alone.
		removeB()
		pass(1)
		killed.want(t, "b", "c")
		removeC()
		charge.set(testLine-1, nil)
		pass(100)
		killed.want(t, "b", "c")
		removeA()
	})
}

func TestWatchDoesNotWaitWhileTheChargeRises(t *testing.T) {
	watchInBubble(t, func(t *testing.T, w *memoryWatch, charge *fakeCharge, killed *killLog) {
		for _, name := range []string{"a", "b", "c"} {
			defer w.add(&fakeRun{name: name, log: killed})()
		}
		charge.set(testLine, nil)
		pass(1)
		killed.want(t, "c")
		charge.set(testLine+watchRise, nil)
		pass(1)
		killed.want(t, "c", "b")
		charge.set(testLine+watchRise+watchRise-1, nil)
		pass(100)
		killed.want(t, "c", "b")
		charge.set(testLine+2*watchRise, nil)
		pass(1)
		killed.want(t, "c", "b", "a")
		charge.set(testLine+9*watchRise, nil)
		pass(100)
		killed.want(t, "c", "b", "a") // each once
	})
}

func TestWatchPause(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		charge int64
		want   time.Duration
	}{
		{testLine + 1, watchPeriod},
		{testLine, watchPeriod},
		{testLine - testMargin/2, watchPeriod},
		{testLine - testMargin, 2 * watchPeriod},
		{testLine - 3*testMargin, 6 * watchPeriod},
		{0, watchLongest},
	} {
		if l := (memoryLine{at: testLine, margin: testMargin, charge: tt.charge}); l.pause() != tt.want {
			t.Errorf("at %d MiB: %v, want %v", tt.charge>>20, l.pause(), tt.want)
		}
	}
}

// However far from its line the watch was, what rises as fast as it reckons with is
// stopped within two periods' rise above it, as if it had looked all the time.
func TestWatchIsInTimeForTheFastestRise(t *testing.T) {
	const rise = testMargin / 4 // in a period
	for _, from := range []int64{0, testLine / 2, testLine - 3*testMargin, testLine - testMargin, testNear} {
		watchInBubble(t, func(t *testing.T, w *memoryWatch, charge *fakeCharge, killed *killLog) {
			charge.set(from, nil)
			time.Sleep(watchLongest)
			var stopped int64
			defer w.add(&fakeRun{name: "a", log: killed, onEnd: func() { stopped, _ = charge.charge(0) }})()
			for at := from; stopped == 0; at += rise / 16 {
				if charge.set(at, nil); at > testLine+testMargin {
					t.Fatalf("from %d MiB: not stopped", from>>20)
				}
				time.Sleep(watchPeriod / 16)
				synctest.Wait()
			}
			if stopped > testLine+2*rise {
				t.Errorf("from %d MiB: stopped at %d MiB, %d above the line", from>>20, stopped>>20, (stopped-testLine)>>20)
			}
		})
	}
}

// The steps in which a second run is killed must fit into the margin, or the
// kernel is there first.
func TestWatchRiseFitsTheMargin(t *testing.T) {
	if margin := memoryMargin(1, 1).Bytes(); watchRise <= 0 || 4*watchRise > margin {
		t.Errorf("a rise of %d bytes in a margin of %d", watchRise, margin)
	}
}

func TestWatchTakesAnUnreadableChargeForTheLine(t *testing.T) {
	watchInBubble(t, func(t *testing.T, w *memoryWatch, charge *fakeCharge, killed *killLog) {
		defer w.add(&fakeRun{name: "a", log: killed})()
		removeB := w.add(&fakeRun{name: "b", log: killed})
		charge.set(0, errors.New("no such device"))
		pass(100)
		killed.want(t, "b")
		removeB()
		pass(1)
		killed.want(t, "b", "a")
	})
}

func TestWatchHoldsEveryLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		low, high := fakeCharge{bytes: 99}, fakeCharge{bytes: testNear}
		killed := new(killLog)
		w := startMemoryWatch([]memoryLine{
			{source: &low, at: 100, margin: testMargin}, {source: &high, at: testLine, margin: testMargin},
		}, nil, slog.New(slog.DiscardHandler))
		defer w.Close()
		if got := w.String(); got != "fake; fake" {
			t.Errorf("%q", got)
		}
		defer w.add(&fakeRun{name: "a", log: killed})()
		removeB := w.add(&fakeRun{name: "b", log: killed})
		high.set(testLine, nil)
		pass(1)
		killed.want(t, "b")
		// The other line is reached by what b still holds: b's end is
		// waited for all the same, unless that line rises on its own.
		low.set(100, nil)
		pass(100)
		killed.want(t, "b")
		removeB()
		high.set(0, nil)
		pass(1)
		killed.want(t, "b", "a")
	})
}

// A run may be reaped, and removed, because of the very kill that the watch is
// still in; runs come and go while it looks.
func TestWatchNeverDeadlocks(t *testing.T) {
	charge := new(fakeCharge)
	charge.set(testLine, nil)
	w := startMemoryWatch([]memoryLine{{source: charge, at: testLine, margin: testMargin}}, nil, slog.New(slog.DiscardHandler))
	killed := new(killLog)
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for range 5 {
				ended := make(chan struct{})
				var mu sync.Mutex // as a run has one, held while it is killed
				mu.Lock()
				r := &fakeRun{name: "x", log: killed}
				var remove func()
				r.onEnd = func() {
					mu.Lock()
					defer mu.Unlock()
					remove()
					close(ended)
				}
				remove = w.add(r)
				mu.Unlock()
				<-ended
			}
		})
	}
	callers.Wait()
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if len(killed.names) != 40 {
		t.Errorf("%d kills of 40 runs", len(killed.names))
	}
	if len(w.runs) != 0 {
		t.Errorf("%d runs left", len(w.runs))
	}
}
