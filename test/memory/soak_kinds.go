//go:build linux

package memory

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"codecell/test/e2e/cell"
	"codecell/test/rawhttp"
)

// A soaker is one client of the soak.
type soaker struct {
	soakMix
	random *rand.Rand
	client *cell.Client
}

// newSoaker returns client number i of a soak.
func newSoaker(seed uint64, i int, mix soakMix, client *cell.Client) *soaker {
	return &soaker{soakMix: mix, random: rand.New(rand.NewPCG(seed, uint64(i))), client: client}
}

// A soakMix is what there is to draw from where the target's profile gives that much.
type soakMix struct {
	kinds       []soakKind
	programs    []Attack // of the corpus
	least, most int      // MiB that a program may ask for
}

func newSoakMix(ctx context.Context, t *Target) (soakMix, error) {
	mix := soakMix{kinds: soakKindsIn(t.Has), least: 64, most: 512} // minimal's
	programs, err := programAttacks()
	if err != nil {
		return mix, err
	}
	for _, a := range programs {
		if a.Needs.In(t.Has) {
			mix.programs = append(mix.programs, a)
		}
	}
	if t.Has == Nothing {
		return mix, nil
	}
	client := t.Client(runTimeout)
	defer client.Close()
	p, err := client.Profile(ctx)
	mix.least, mix.most = p.Limits.MinMemoryMB, p.Limits.MaxMemoryMB
	return mix, err
}

func soakKindsIn(has Need) (kinds []soakKind) {
	for _, k := range soakKinds {
		if k.needs.In(has) {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

// A soakKind is one thing that a client of the soak does.
type soakKind struct {
	name    string
	weight  int    // how often, among the sum of all
	allowed []Seen // what may come of it
	// act does it once and counts what it saw of the target. It reports whether
	// it was refused; an error says that it could not be done.
	act   func(ctx context.Context, s *soaker, t *Target) (refused bool, err error)
	needs Need
}

// Wrong is seen of a program that ran and printed what it should not have.
const Wrong Seen = "wrong output"

var soakKinds = []soakKind{
	{"print", 20, []Seen{Served, Full}, running(cell.Request{Code: "print(42)"}, "42\n"), Nothing},
	{"program", 20, []Seen{Served, Full}, running(cell.Request{Code: ordinary}, "ok\n"), Nothing},
	{"megabyte", 10, []Seen{Served, Full}, running(cell.Request{Code: `print("x" * 1_000_000)`}, strings.Repeat("x", 50<<10)+"\n[output truncated at 50 KB]"), Nothing},
	{"attack", 20, []Seen{Served, Full}, attacking, Nothing},
	{"refusal", 10, []Seen{Full, "400 malformed-json", "400 no-code", "413 too-large", "415 unsupported-media-type", "422 invalid-fields"}, refusing, Nothing},
	{"events", 5, []Seen{Served, Full, Left}, following, Nothing},
	{"leaving", 10, []Seen{Left, Full, Served}, leaving, Nothing},
	{"slow", 5, []Seen{Served, Full, Closed}, slowly, Nothing},
	{"silent", 5, []Seen{Left, Closed}, silently, Nothing},
	{"health", 5, []Seen{Served}, asking, Nothing},
	{"files", 10, []Seen{Served, Full}, running(copied, "65536\n"), Files},
	{"many files", 5, []Seen{Served, Full}, running(mostFiles, ""), Files},
}

// soakAnswers is everything that may be seen of the soak.
func soakAnswers() []Seen {
	var all []Seen
	for _, k := range soakKinds {
		all = append(all, k.allowed...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// ordinary is what people ask for: a small function and what must be true of it.
const ordinary = `
import collections, re

def similar(first, second):
    return tuple(sorted(set(first) & set(second)))

def words(text):
    return collections.Counter(re.findall(r"\w+", text.lower())).most_common(1)[0]

assert similar((3, 4, 5, 6), (5, 7, 4, 10)) == (4, 5)
assert words("the cat and the dog") == ("the", 2)
assert sum(n * n for n in range(20_000)) == 2666466670000
print("ok")
`

// copied reads the file that it is given, and returns it under another name.
var copied = cell.Request{
	Code:    `print(open("copy", "wb").write(open("given", "rb").read()))`,
	Files:   []cell.File{{Name: "given", Content: make([]byte, 64<<10)}},
	Outputs: []string{"copy"},
}

// running posts a program of which is known what it prints.
func running(request cell.Request, prints string) func(context.Context, *soaker, *Target) (bool, error) {
	return func(ctx context.Context, s *soaker, t *Target) (bool, error) {
		a, err := t.Execute(ctx, s.client, request)
		if err == nil && a.Status == http.StatusOK && !a.OK(prints) {
			t.odder(Wrong, a.String())
		}
		return a.Status == http.StatusTooManyRequests, nil
	}
}

// attacking posts one of the corpus' programs, with less time and perhaps less
// memory than there could be.
func attacking(ctx context.Context, s *soaker, t *Target) (bool, error) {
	r := cell.Request{
		Code:    s.programs[s.random.IntN(len(s.programs))].Program,
		Timeout: 0.2 + 3*s.random.Float64(),
	}
	if s.random.IntN(3) == 0 {
		r.MemoryMB = s.least + s.random.IntN(s.most-s.least)
	}
	a, _ := t.Execute(ctx, s.client, r) // counted
	return a.Status == http.StatusTooManyRequests, nil
}

// refusing sends what can't be a program.
func refusing(ctx context.Context, s *soaker, t *Target) (bool, error) {
	const kind = "Content-Type: application/json"
	requests := []string{
		rawhttp.PostJSON("/execute", `{"code": `, 9),
		rawhttp.PostJSON("/execute", `{"code": ""}`, 12),
		rawhttp.PostJSON("/execute", `{"code": 42}`, 12),
		rawhttp.PostJSON("/execute", "", 2<<20),
		rawhttp.Request(http.MethodPost, "/execute", "print(42)", "Content-Type: text/plain", "Content-Length: 9"),
		rawhttp.Request(http.MethodPost, "/execute", "2\r\n[]\r\n0\r\n\r\n", kind, "Transfer-Encoding: chunked"),
	}
	c, leave, err := t.dial(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	_ = c.Send(requests[s.random.IntN(len(requests))]) // a server that has closed is seen by who reads
	t.sawNext(ctx, c, answerTime)
	return false, nil
}

// following has the output of a program while it runs, or as much of it as it likes.
func following(ctx context.Context, s *soaker, t *Target) (bool, error) {
	request, err := post(longest, inEvents)
	if err != nil {
		return false, err
	}
	if s.random.IntN(2) == 0 {
		return t.leaveEarly(ctx, request, s.random)
	}
	c, leave, err := t.dial(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	_ = c.Send(request) // a server that has closed is seen by who reads
	t.sawNext(ctx, c, runTimeout)
	return false, nil
}

// leaving hangs up on a program that holds all it can get.
func leaving(ctx context.Context, s *soaker, t *Target) (bool, error) {
	request, err := post(hogFor(runTimeout))
	if err != nil {
		return false, err
	}
	return t.leaveEarly(ctx, request, s.random)
}

// slowly sends a request in pieces and reads the answer so.
func slowly(ctx context.Context, s *soaker, t *Target) (bool, error) {
	request, err := post(longest)
	if err != nil {
		return false, err
	}
	c, leave, err := t.dial(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	if err := c.ShrinkWindow(readerWindow); err != nil {
		return false, err
	}
	tick := time.NewTicker(time.Duration(1+s.random.IntN(50)) * time.Millisecond)
	defer tick.Stop()
	for piece := range slices.Chunk([]byte(request), 1+len(request)/10) {
		if c.Send(string(piece)) != nil {
			break // seen below
		}
		<-tick.C
	}
	t.sawNext(ctx, c, runTimeout)
	return false, nil
}

// silently begins a request and leaves it at that.
func silently(ctx context.Context, s *soaker, t *Target) (bool, error) {
	beginnings := []string{
		"", "POST /execute HTTP/1.1\r\nHost: local",
		rawhttp.PostJSON("/execute", `{"code": "`+strings.Repeat("#", 64<<10), 512<<10),
	}
	c, leave, err := t.dial(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	_ = c.Send(beginnings[s.random.IntN(len(beginnings))]) // a server that has closed is seen by who reads
	if _, err := c.ReadAtMost(1, time.Duration(1+s.random.IntN(2_000))*time.Millisecond); err == nil || isTimeout(err) {
		t.Saw(Left)
	} else {
		t.Saw(Closed)
	}
	return false, nil
}

// asking asks the server what it is and how it is.
func asking(ctx context.Context, s *soaker, t *Target) (bool, error) {
	paths := []string{"/livez", "/readyz", "/profile"}
	path := paths[s.random.IntN(len(paths))]
	a, err := s.client.Get(ctx, path)
	switch {
	case a.Status != 0:
		t.Saw(answered(a.Status, a.Problem()))
	case ctx.Err() != nil:
		t.Saw(Left)
	default:
		t.odder(Closed, fmt.Sprintf("%s: %v", path, err))
	}
	return false, nil
}
