package function

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"

	"codecell/sandbox"
)

// alive is how many bytes are reachable.
func alive() int64 {
	runtime.GC()
	runtime.GC() // what a finalizer or a pool kept for one cycle
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// allocated is how many bytes f allocates in all: never less than what it holds
// at any moment, whatever the collector does.
func allocated(f func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// tinyNames is an object of n bytes with as many names as fit, no two the same.
func tinyNames(n int) []byte {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-"
	var b bytes.Buffer
	b.WriteByte('{')
	for i := 0; b.Len()+10 < n; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('"')
		for j := i; ; j /= len(letters) {
			b.WriteByte(letters[j%len(letters)])
			if j < len(letters) {
				break
			}
		}
		b.WriteString(`":0`)
	}
	b.WriteByte('}')
	return append(b.Bytes(), bytes.Repeat([]byte(" "), n-b.Len())...)
}

// TestDecodeBytes measures what decoding the worst bodies takes beside the body:
// what is alive when the last token was read, with a third on top for a map and
// the slices beside it that are just growing.
func TestDecodeBytes(t *testing.T) {
	escapes := MaxBody/2 - 6
	for name, body := range map[string][]byte{
		"program":    []byte(`{"code":"` + strings.Repeat("x", MaxBody-11) + `"}`),
		"escapes":    []byte(`{"code":"` + strings.Repeat(`\"`, escapes) + `"}`),
		"names":      tinyNames(MaxBody),
		"inner":      append(append([]byte(`{"a":`), tinyNames(MaxBody-6)...), '}'),
		"stdin":      []byte(`{"stdin":"` + strings.Repeat("x", MaxBody-12) + `"}`),
		"args":       []byte(`{"args":["` + strings.Repeat(`","`, (MaxBody-12)/3) + `"]}`),
		"env":        append(append([]byte(`{"env":`), tinyNames(MaxBody-8)...), '}'),
		"one name":   []byte(`{"` + strings.Repeat("x", MaxBody-7) + `":0}`),
		"depth":      []byte(strings.Repeat(`{"a":`, 9_999) + `0` + strings.Repeat(`}`, 9_999)),
		"many depth": bytes.Repeat([]byte(`{"a":[{"a":[{"a":[`), 1000),
	} {
		if len(body) > MaxBody {
			t.Fatalf("%s: %d bytes", name, len(body))
		}
		before := alive()
		dec := newDecoder(body)
		job, err := decodeJob(dec, &testProfile)
		held := alive() - before
		runtime.KeepAlive(dec)
		runtime.KeepAlive(job)
		t.Logf("%-10s %5d KiB (%.40v)", name, held>>10, err)
		if held*4/3 > decodeBytes {
			t.Errorf("%s: %d bytes, and a third; set aside are %d", name, held, decodeBytes)
		}
		if name == "names" && held < 4<<20 {
			t.Errorf("names took %d bytes only: is this still the worst case?", held)
		}
		runtime.KeepAlive(body)
	}
}

// discard is a ResponseWriter without a buffer.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}

// TestIntakeBytes measures what one request holds in its three phases, each at
// its worst: its body, its program, its reply.
func TestIntakeBytes(t *testing.T) {
	body := []byte(`{"code":"` + strings.Repeat("x", MaxBody-11) + `"}`)
	for name, length := range map[string]int64{"announced": int64(len(body)), "chunked": -1} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", bytes.NewReader(body))
		r.ContentLength = length
		x := newExchange(&discard{make(http.Header)}, r, nil)
		got := allocated(func() {
			if b, err := x.readBody(t.Context()); err != nil || len(b) != len(body) {
				t.Errorf("%s: %d bytes, %v", name, len(b), err)
			}
		})
		t.Logf("reading, %s: %d KiB", name, got>>10)
		if got > intakeBytes {
			t.Errorf("reading a body, %s: %d bytes, set aside are %d", name, got, intakeBytes)
		}
	}

	worst := sandbox.Output{Data: bytes.Repeat([]byte{1}, sandbox.CaptureLimit), Truncated: true}
	got := allocated(func() {
		rep := encodeResult(sandbox.Result{Stdout: worst, Stderr: worst, TimedOut: true, Outcome: sandbox.OutcomeTimeout}, time.Second, 0)
		if len(rep.body) < 12*sandbox.CaptureLimit {
			t.Errorf("%d bytes: not the worst reply", len(rep.body))
		}
	})
	t.Logf("encoding: %d KiB", got>>10)
	// Beside the program, while its reader has stopped: the marks that wait and those that
	// are being sent, an event, and captures that were outgrown.
	marks := 2 * maxMarks * int64(unsafe.Sizeof(mark{}))
	if held := MaxBody + 2*marks + 6*maxEventText + 2*sandbox.CaptureLimit; held > intakeBytes {
		t.Errorf("an answer in events: %d bytes, set aside are %d", held, intakeBytes)
	}
	if got > intakeBytes {
		t.Errorf("encoding a reply: %d bytes, set aside are %d", got, intakeBytes)
	}
}

// TestRunHoldsTheProgramOnly: while a program runs, of its request only the
// decoded program is alive, not the body it came in.
func TestRunHoldsTheProgramOnly(t *testing.T) {
	box, _, _ := newFakeBox()
	source := strings.Repeat("x", MaxBody-11)
	var during int64
	box.runs[source] = func(context.Context, sandbox.Job) (sandbox.Result, error) {
		during = alive()
		return okResult, nil
	}
	srv := serve(t, testConfig(t), box)
	body := &onceReader{make: func() io.Reader { return strings.NewReader(`{"code":"` + source + `"}`) }}
	srv.post(t, code("ok")) // the connection and the pools
	before := alive()
	req := srv.request(t, http.MethodPost, "/execute", "", "Content-Type: application/json")
	req.Body, req.ContentLength = io.NopCloser(body), MaxBody
	if a := srv.do(t, req); a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	held := during - before
	t.Logf("%d KiB", held>>10)
	if held > intakeBytes+256<<10 { // the client of this test has its buffers too
		t.Errorf("a request of %d bytes holds %d while it runs", MaxBody, held)
	}
}

// onceReader makes its reader when first read and forgets it at its end, so that
// the body is not alive on the client's side.
type onceReader struct {
	make func() io.Reader
	from io.Reader
}

func (o *onceReader) Read(p []byte) (int, error) {
	if o.from == nil {
		if o.make == nil {
			return 0, io.EOF
		}
		o.from, o.make = o.make(), nil
	}
	n, err := o.from.Read(p)
	if errors.Is(err, io.EOF) {
		o.from = nil
	}
	return n, err
}

func ExampleConfig() {
	cfg, err := ParseConfig(func(name string) string {
		return map[string]string{"PORT": "80", "SANDBOX_MAX_WAIT": "forever"}[name]
	})
	fmt.Println(cfg.Port, err)
	// Output:
	// 0 SANDBOX_MAX_WAIT="forever": want a duration from 0s to 1h, for example 500ms or 30s
}
