//go:build linux

package contract

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"codecell/test/rawhttp"
)

// A badRequest is what a client sends on one connection, at once and as a whole,
// with the exact answers that it has.
type badRequest struct {
	name string
	r    request
	raw  string // in place of r's own bytes, and of r, where that is a POST /execute
	want []reply
	// Where the framework's server, which has a router and bounds of its own,
	// answers otherwise than serve.
	framework []reply
}

// A reply is one answer. In says, "…" stands for any text, once.
type reply struct {
	status int
	slug   string   // of the problem; "" where the server answers itself, in plain text
	says   string   // the problem's detail, the server's own words, or what a program printed
	listed []string // the problem's violations and errors, these as "location: message (value)"
	header []string // that must be there, as "Name: value"
	closes bool     // the connection ends with it; else the next request on it is served
}

// Replies that many requests share.
func printed(stdout string) reply { return reply{status: http.StatusOK, says: stdout} }

func malformed(says string) reply {
	return reply{status: http.StatusBadRequest, slug: "malformed-json", says: says}
}

func unreadable(says string) reply { return malformed("The body can't be read as JSON: " + says + ".") }

func invalid(fields ...string) reply {
	return reply{status: http.StatusUnprocessableEntity, slug: "invalid-fields", says: "The errors are listed.", listed: fields}
}

func wrongMedia(says string, header string) reply {
	return reply{status: http.StatusUnsupportedMediaType, slug: "unsupported-media-type", says: says, header: []string{header}}
}

func wrongMethod(allow string) reply {
	return reply{status: http.StatusMethodNotAllowed, slug: "method-not-allowed", says: "This route takes " + allow + ".", header: []string{"Allow: " + allow}}
}

var (
	notFound   = reply{status: http.StatusNotFound, slug: "not-found", says: "There is no such route; the contract is at /openapi.yaml."}
	foreign    = reply{status: http.StatusMisdirectedRequest, slug: "misdirected", says: "This server listens on the loopback interface and answers to its names only, such as localhost."}
	crossSite  = reply{status: http.StatusForbidden, slug: "cross-origin", says: "A browser sent this request on behalf of another site."}
	blankCode  = reply{status: http.StatusBadRequest, slug: "no-code", says: "The field code is blank."}
	tooLarge   = reply{status: http.StatusRequestEntityTooLarge, slug: "too-large", says: "A body may have at most 1048576 bytes.", closes: true}
	badChunks  = reply{status: http.StatusBadRequest, slug: "malformed-chunks", says: "The body is not in chunks as HTTP/1.1 has them, which Transfer-Encoding says it is.", closes: true}
	incomplete = reply{status: http.StatusBadRequest, slug: "incomplete-body", says: "The body ended before its announced end.", closes: true}
)

// noHTTP is net/http's own answer to what it can't read as a request: the
// function never sees it, and the connection ends.
func noHTTP(status int, says string) reply {
	return reply{status: status, says: says, closes: true}
}

// last is r with the connection closed after it.
func last(r reply) reply {
	r.closes = true
	return r
}

// good is the request that must be served after every bad one.
var good = program{Code: "print(42)"}.request()

// Whatever is sent has its exact answer, and the next request is served at once,
// on the same connection where it lives on and on a new one. There is one slot
// and no line to wait in, so that whoever kept a permit would be seen by the next.
func TestBadRequests(t *testing.T) {
	t.Parallel()
	requests := slices.Concat(badBodies(), badFields(), badHeaders(), badFraming, badRoutes())
	for _, bin := range both {
		t.Run(bin.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, bin)
			table := &answers{}
			t.Cleanup(func() { t.Logf("%d requests tried\n%s", len(requests), table) })
			for _, b := range requests {
				t.Run(b.name, func(t *testing.T) { table.add(b.name, b.try(t, s)) })
			}
		})
	}
}

// try sends b, holds the answers against those wanted, sees that the next
// requests are served, and returns the answers in short.
func (b badRequest) try(t *testing.T, s *server) string {
	t.Helper()
	if b.raw == "" {
		b.raw = b.r.raw()
	}
	if b.r.method == "" {
		b.r = execute("")
	}
	want := b.want
	if b.framework != nil && s.bin.name == framework.name {
		want = b.framework
	}
	conn := s.dial(t)
	defer conn.Leave()
	_ = conn.Send(b.raw) // the server may answer, and close, before it has all of it
	var said []string
	for n, want := range want {
		read := conn.Response
		if b.r.method == http.MethodHead {
			read = conn.HeadResponse
		}
		resp, err := read(answerTime)
		if err != nil {
			t.Fatalf("answer %d: %v", n+1, err)
		}
		if want.slug != "" || want.status == http.StatusOK && want.says != "" {
			wantValid(t, s.bin, b.r, resp)
		}
		said = append(said, want.check(t, b.r, resp))
	}
	ended := want[len(want)-1].closes
	if ended {
		if !conn.Closed(answerTime) {
			t.Error("the connection is still open")
		}
		said = append(said, "closed")
	} else {
		send(t, conn, good)
		wantPrinted(t, s.answer(t, conn, good, answerTime), "42\n")
	}
	s.wantNext(t)
	return strings.Join(said, "; ")
}

// wantNext fails the test unless the next request is served at once, and every
// permit is given back.
func (s *server) wantNext(t *testing.T) {
	t.Helper()
	s.wantServed(t, s.do)
}

// wantServed asks for the next program by do, which must not take long.
func (s *server) wantServed(t *testing.T, do func(*testing.T, request) rawhttp.Response) {
	t.Helper()
	begin := time.Now()
	wantPrinted(t, do(t, good), "42\n")
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("the next request waited %v", took)
	}
	if now := s.admission(t); now.InFlight != 0 || now.Waiting != 0 {
		t.Errorf("after the answer there are still %+v", now)
	}
}

// check holds an answer against r, and returns it in short.
func (r reply) check(t *testing.T, to request, resp rawhttp.Response) string {
	t.Helper()
	if resp.Status != r.status || resp.Close != r.closes {
		t.Errorf("got %v, closing %v; want %d, closing %v", resp, resp.Close, r.status, r.closes)
	}
	for _, line := range r.header {
		if name, want, _ := strings.Cut(line, ": "); resp.Header.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, resp.Header.Get(name), want)
		}
	}
	short := fmt.Sprintf("%d\t", resp.Status)
	switch {
	case to.method == http.MethodHead:
		return short + r.slug + "\t(no body)"
	case r.slug != "":
		p := wantProblem(t, to, resp)
		if slug := strings.TrimPrefix(p.Type, "urn:codecell:problem:"); slug != r.slug || !matches(p.Detail, r.says) {
			t.Errorf("got %s %q, want %s %q", slug, p.Detail, r.slug, r.says)
		}
		listed := p.listed()
		if !slices.Equal(listed, r.listed) {
			t.Errorf("it lists %q, want %q", listed, r.listed)
		}
		return short + r.slug + "\t" + strings.Join(append([]string{abridged(p.Detail)}, listed...), ", ")
	case resp.Status == http.StatusOK && resp.Header.Get("Content-Type") == "application/json" && r.says != healthy:
		ran := wantRan(t, resp)
		if ran.Outcome != "ok" || !matches(ran.Stdout, r.says) {
			t.Errorf("got %s %s, want ok and stdout %q", ran.Outcome, abridged(ran.Stdout), r.says)
		}
		return short + "\tprinted " + abridged(ran.Stdout)
	default:
		if !matches(string(resp.Body), r.says) {
			t.Errorf("got %q, want %q", resp.Body, r.says)
		}
		return short + "\t" + abridged(string(resp.Body))
	}
}

// listed is what the problem lists, each on one line.
func (p problem) listed() []string {
	lines := slices.Clone(p.Violations)
	for _, e := range p.Errors {
		line := e.Location + ": " + e.Message
		if e.Value != nil {
			line += fmt.Sprintf(" (%s)", e.Value)
		}
		lines = append(lines, line)
	}
	return lines
}
