//go:build linux

package memory

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"codecell/test/e2e/cell"
	"codecell/test/rawhttp"
)

// stoppedReaders: 300 clients ask for the longest answer there is and don't read it.
var stoppedReaders = Attack{
	Name:    "stopped-readers",
	Route:   "readers that stop",
	Client:  func(ctx context.Context, t *Target) error { return stopReading(ctx, t, longest) },
	Answers: []Seen{Served, Full, Closed},
}

// stoppedListeners: 300 clients ask for as much in events, as many as there can be, and
// don't read these.
var stoppedListeners = Attack{
	Name:    "stopped-listeners",
	Route:   "readers that stop",
	Client:  func(ctx context.Context, t *Target) error { return stopReading(ctx, t, alternating, inEvents) },
	Answers: []Seen{Served, Full, Closed},
}

// inEvents asks for an answer while the program runs.
const inEvents = "Accept: text/event-stream"

const (
	readers = 300
	// readerPause is longer than the server's own write deadline of 30 s.
	readerPause = 33 * time.Second
	// readerReturn is how long who was refused stays away.
	readerReturn = time.Second
	readerWindow = 4 << 10 // bytes that the kernel may take in for a reader
)

// longest prints what is longest in JSON: 50 KiB of control characters on each
// stream are 600 KiB.
var longest = cell.Request{Code: `print("\x01" * 51200); raise SystemExit("\x02" * 51200)`}

// alternating prints the same on both streams, a byte on the one and a byte on the other.
// The policy is in observe: minimal lets no program import sys.
var alternating = cell.Request{Code: `import sys
for _ in range(51200):
    sys.stdout.write("\x01")
    sys.stdout.flush()
    sys.stderr.write("\x02")
    sys.stderr.flush()
`, Timeout: 20}

// post is the whole of a request, as it is sent, with more lines in its header.
func post(r cell.Request, header ...string) (string, error) {
	body, err := json.Marshal(r)
	return rawhttp.PostJSON("/execute", string(body), len(body), header...), err
}

func stopReading(ctx context.Context, t *Target, what cell.Request, header ...string) error {
	request, err := post(what, header...)
	if err != nil {
		return err
	}
	return stopReadingAll(ctx, t, []string{request})
}

// stopReadingAll has each client send the next one of these requests.
func stopReadingAll(ctx context.Context, t *Target, requests []string) error {
	paused, cancel := context.WithTimeout(ctx, readerPause)
	defer cancel()
	return crowd(ctx, readers, func(ctx context.Context, i int) error {
		again := time.NewTicker(readerReturn)
		defer again.Stop()
		for paused.Err() == nil {
			if err := stopReadingOnce(ctx, paused, t, requests[i%len(requests)]); err != nil {
				return err
			}
			select {
			case <-again.C:
			case <-paused.Done():
			}
		}
		return nil
	})
}

// stopReadingOnce asks once and reads the first line of the answer at most, unless
// it is refused: there is nothing to leave unread then, and it may come again.
func stopReadingOnce(ctx, paused context.Context, t *Target, request string) error {
	c, leave, err := t.dial(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if err := c.ShrinkWindow(readerWindow); err != nil {
		return err
	}
	const begins = "HTTP/1.1 200 "
	_ = c.Send(request) // a server that has closed already is seen below
	begun, err := c.ReadAtMost(len(begins), readerPause)
	switch {
	case string(begun) == begins:
		t.Saw(Served)
		<-paused.Done()
		return nil
	case ctx.Err() != nil:
		t.Saw(Left)
		return nil
	case err != nil:
		t.Saw(Closed)
		return nil
	}
	rest, _ := c.ReadAtMost(bodyMost, readerReturn) // all of it, however the server ends it
	status, err := strconv.Atoi(strings.TrimSpace(string(begun[len("HTTP/1.1"):])))
	t.SawStatus(status, rest)
	return err
}
