package function

import (
	"bytes"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"codecell/sandbox"
)

// Server-sent events (HTML standard, section 9.2), for a caller that asks for
// text/event-stream: what the program prints while it runs, and at its end the same
// object that is the whole answer otherwise.
//
//	event: stdout | stderr     data: {"text":"…"}     of each in the order in which it came
//	event: result              data: the answer       the last, once
//	event: problem             data: the problem      the last, instead
//
// The status is sent with the first event or comment, so that what is refused before
// anything was printed is refused as always. From then on a problem is an event.

const (
	eventMedia = "text/event-stream"
	// heartbeat is how often a comment is sent while nothing else is: proxies take
	// a connection on which nothing happens for a dead one.
	heartbeat = 10 * time.Second
	// maxMarks bounds how many events may wait for a slow reader. What is printed
	// meanwhile comes in fewer, and the order of the two streams is lost among these.
	maxMarks = 1024
	// maxEventText is how many bytes of a program's one event has at most. Encoded
	// they may be six times as many.
	maxEventText = 4 << 10
)

// events is the body of an answer that is sent in parts. It holds no output of its own:
// what waits to be sent is in the run's captures.
type events struct {
	x    *exchange
	lost func() // ends the run: nobody reads any more

	mu    sync.Mutex
	kept  [2][]byte // of each stream, as far as it has come
	marks []mark    // which came when
	end   time.Time // by which all must be written; zero while the run lasts

	// What follows belongs to pump until it has ended, then to finish.
	sent  [2]int // bytes of each stream
	wrote int    // bytes of the answer
	err   error  // of the first write that failed

	wake  chan struct{}
	halt  func() // the run is over: ends pump, and waits for its end
	ended chan struct{}
}

// mark says that a stream had come as far as end.
type mark struct {
	stream int
	end    int
}

var streamNames = [2]sandbox.Stream{sandbox.Stdout, sandbox.Stderr}

// wantsEvents reports whether the caller would rather have events than one JSON object
// (RFC 9110, section 12.5.1). It has to name them; liked as much as JSON they win
// over its ranges only.
func wantsEvents(h http.Header) bool {
	weights := make(map[string]float64)
	for _, list := range h.Values("Accept") {
		for element := range strings.SplitSeq(list, ",") {
			mediaType, params, err := mime.ParseMediaType(element)
			if err != nil {
				continue
			}
			weight := 1.0
			if q, ok := params["q"]; ok {
				if weight, err = strconv.ParseFloat(q, 64); err != nil {
					continue
				}
			}
			weights[mediaType] = weight
		}
	}
	events := weights[eventMedia]
	if json, named := weights["application/json"]; named {
		return events > json
	}
	json, whole := weights["application/*"]
	if !whole {
		json = weights["*/*"]
	}
	return events > 0 && events >= json
}

// stream answers the exchange in events from now on, until its reply is sent. lost is
// called when the caller does not take them.
func (x *exchange) stream(beat time.Duration, lost func()) *events {
	stop := make(chan struct{})
	e := &events{x: x, lost: lost, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	e.halt = sync.OnceFunc(func() {
		e.mu.Lock()
		e.end = time.Now().Add(writeTimeout)
		_ = x.rc.SetWriteDeadline(e.end) // a write may be under way
		e.mu.Unlock()
		close(stop)
		<-e.ended
	})
	x.events = e
	go e.pump(beat, stop)
	return e
}

// follow is sandbox.Job.Follow.
func (e *events) follow(s sandbox.Stream, kept []byte) {
	which := 0
	if s == sandbox.Stderr {
		which = 1
	}
	e.mu.Lock()
	e.kept[which] = kept
	switch n := len(e.marks); {
	case n > 0 && e.marks[n-1].stream == which:
		e.marks[n-1].end = len(kept)
	case n < maxMarks:
		e.marks = append(e.marks, mark{which, len(kept)})
	}
	e.mu.Unlock()
	select {
	case e.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// pump sends what there is whenever there is something, and a comment when there was
// nothing for long.
func (e *events) pump(beat time.Duration, stop <-chan struct{}) {
	defer close(e.ended)
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-e.wake:
			e.sendOutput(false)
		case <-ticker.C:
			e.write([]byte(":\n\n"))
			e.flush()
		}
		ticker.Reset(beat)
		if e.err != nil {
			e.lost()
			return
		}
	}
}

// sendOutput sends what has come since it was last called. Until it is the last call,
// the beginning of a character waits for its end.
func (e *events) sendOutput(last bool) {
	e.mu.Lock()
	e.marks = append(e.marks, mark{0, len(e.kept[0])}, mark{1, len(e.kept[1])})
	kept, marks := e.kept, e.marks
	e.marks = nil
	e.mu.Unlock()
	defer e.flush()
	for _, m := range marks {
		for e.err == nil && e.sent[m.stream] < m.end {
			text := kept[m.stream][e.sent[m.stream]:min(m.end, e.sent[m.stream]+maxEventText)]
			// Where the capture is full, the rest of a character was cut off.
			if end := e.sent[m.stream] + len(text); !last || end < len(kept[m.stream]) || end == sandbox.CaptureLimit {
				text = withoutPartialRune(text)
			}
			if len(text) == 0 {
				break
			}
			e.sent[m.stream] += len(text)
			data := append(appendText([]byte(`{"text":`), text), '}')
			e.send(string(streamNames[m.stream]), data)
		}
	}
}

// send sends one event. data is JSON, which has no line feed outside of its strings,
// and inside as an escape.
func (e *events) send(name string, data []byte) {
	if bytes.IndexByte(data, '\n') >= 0 {
		panic("function: JSON of ours has a line feed") // a bug of ours: it would end the event
	}
	e.write([]byte("event: " + name + "\ndata: "))
	e.write(data)
	e.write([]byte("\n\n"))
}

// write sends a part of the answer, the status before the first. A caller that does
// not take it within writeTimeout loses its connection, and so does one that has not
// taken everything so long after the run.
func (e *events) write(part []byte) {
	if e.err != nil {
		return
	}
	if !e.x.started {
		e.x.started = true
		h := e.x.w.Header()
		h.Set("Content-Type", eventMedia)
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		e.x.w.WriteHeader(http.StatusOK)
	}
	e.mu.Lock()
	if e.end.IsZero() {
		_ = e.x.rc.SetWriteDeadline(time.Now().Add(writeTimeout))
	}
	e.mu.Unlock()
	_, e.err = e.x.w.Write(part)
	e.wrote += len(part)
}

func (e *events) flush() {
	if e.err == nil && e.x.started { // else it would send the status
		e.err = e.x.flush()
	}
}

// finish ends the answer with the reply, or leaves it to be sent as always when it is a
// problem and nothing was sent yet.
func (e *events) finish(rep reply) (sent bool, err error) {
	e.halt()
	name := "result"
	if rep.status != http.StatusOK {
		if !e.x.started {
			return false, nil
		}
		name = "problem"
	}
	e.sendOutput(true)
	e.send(name, rep.body)
	e.flush()
	return true, e.err
}
