//go:build linux

package memory

import (
	"context"
	"fmt"
	"slices"
	"strconv"
)

// An Attack is one way to make the container charge memory. It is either a
// Program or a Client, never both.
type Attack struct {
	Name  string // of the file without .py, or what the client does: "page-tables"
	Route string // the line of docs/memory.md that it tries, as its first column begins
	Needs Need   // where it can be made

	// Program is Python, posted by one client more than there are slots.
	Program string
	// Ends are the ways in which a run of Program may end, see mayEnd.
	Ends []End
	// Outside is how much more than an empty program Program charges outside of
	// the jail, in MiB at least; with less, it would prove nothing inside (the
	// positive control). 0: it is not after memory of its own.
	Outside int

	// Client attacks until it has done what it is for or ctx is done, and
	// leaves no connection and no goroutine behind. It reports each answer to
	// the target. An error says that the attack could not be made; what
	// the server did wrong is seen in the answers.
	Client func(ctx context.Context, t *Target) error
	// Answers are those that Client may be given. Nil means Served and Full.
	Answers []Seen
	// MeetsLimit says that the attack fills caches that are the kernel's own. It takes them
	// back when the limit is met and not before, so that this is no breach; a kill is.
	MeetsLimit bool
	// EndsServer says that the server is to end by itself, with exit code 0.
	EndsServer bool
}

// SoakName is the name of the one attack that lasts as long as it is told to.
const SoakName = "soak"

// An End is how a run ended: its outcome, but for memory_limit, which is
// divided by who noticed.
type End string

// The ends. A run ends at the memory line by a signal and at its own limit by
// an exception, which may be caught.
const (
	OK          End = "ok"
	Failed      End = "failed"
	Timeout     End = "timeout"
	Crashed     End = "crashed"
	MemoryLimit End = "memory_limit" // killed
	MemoryError End = "memory_error" // uncaught, or the parser's
)

var ends = []End{OK, Failed, Timeout, Crashed, MemoryLimit, MemoryError}

// Seen is what a client got for a request: a status with the slug of its problem
// type ("200", "429 at-capacity"), or one of the words below.
type Seen string

// What is seen of most attacks, and where there is no answer.
const (
	Served  Seen = "200"
	Full    Seen = "429 at-capacity"
	Closed  Seen = "closed"  // by the server, without an answer
	Left    Seen = "left"    // by the client, before there was an answer
	Unheard Seen = "unheard" // neither within the time that the client gives it
)

// answered is Seen for a status and a problem's slug, which may be empty.
func answered(status int, problem string) Seen {
	if problem == "" {
		return Seen(strconv.Itoa(status))
	}
	return Seen(strconv.Itoa(status) + " " + problem)
}

// mayBe reports whether the attack may see this.
func (a Attack) mayBe(s Seen) bool {
	allowed := a.Answers
	if allowed == nil {
		allowed = []Seen{Served, Full}
	}
	return slices.Contains(allowed, s)
}

// mayEnd reports whether a run may end so when the runs together charged so much. What
// they do is bounded, but how fast a machine does it is not: those that share a core may
// all have come to the end of their time. That stopped them as it would stop anybody, and
// what they charged until then must be what one of them has to charge outside.
func (a Attack) mayEnd(end End, rise int64) bool {
	return slices.Contains(a.Ends, end) || end == Timeout && a.Outside > 0 && rise >= int64(a.Outside)<<20
}

// Corpus returns every attack, programs before clients, each by name. An error
// is a fault of the corpus.
func Corpus() ([]Attack, error) {
	attacks, err := programAttacks()
	if err != nil {
		return nil, err
	}
	attacks = append(attacks, clientAttacks()...)
	names := make(map[string]bool)
	for _, a := range attacks {
		if err := a.check(); err != nil {
			return nil, fmt.Errorf("attack %q: %w", a.Name, err)
		}
		if names[a.Name] {
			return nil, fmt.Errorf("attack %q: there are two", a.Name)
		}
		names[a.Name] = true
	}
	return attacks, nil
}

func (a Attack) check() error {
	switch {
	case a.Name == "" || a.Route == "":
		return fmt.Errorf("want a name and a route, have %q", a.Route)
	case (a.Program == "") == (a.Client == nil):
		return fmt.Errorf("want either a program or a client")
	case a.Program != "" && len(a.Ends) == 0:
		return fmt.Errorf("a program without an allowed end")
	case a.Program == "" && len(a.Ends) > 0:
		return fmt.Errorf("a client's runs end as they like")
	case !slices.Contains(needs, a.Needs):
		return fmt.Errorf("it needs %q", a.Needs)
	}
	return nil
}
