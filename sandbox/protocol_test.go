package sandbox

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestParseReport(t *testing.T) {
	t.Parallel()
	const most = ^uint64(0)
	for _, c := range []struct {
		name string
		msg  []byte
		want report // zero: refused
	}{
		{"hello", []byte("H"), report{tag: tagHello}},
		{"lost", []byte(`L{"step":"maps","error":"bad"}`), report{tag: tagLost, failure: stepFailure{"maps", "bad"}}},
		{"pong", order(tagPong, 7), report{tag: tagPong, id: 7}},
		{"started", order(tagStarted, 7, 4711), report{tag: tagStarted, id: 7, pid: 4711}},
		{"failed", order(tagFailed, 7, 11), report{tag: tagFailed, id: 7, errno: 11}},
		{"exited", order(tagExited, 7, 0x8b, 1000, 500, 9000, 77), report{tag: tagExited, id: 7, exit: exitReport{0x8b, 1500 * time.Microsecond, 9000, 77}}},
		{
			"numbers too large to be true", order(tagExited, most, most, most, most, most, most),
			report{tag: tagExited, id: most, exit: exitReport{1<<32 - 1, 2 * time.Hour, 1 << 40, most}},
		},
		{"empty", nil, report{}},
		{"an unknown tag", order('?', 1), report{}},
		{"our own order", orderRun(1, 64, 2, true), report{}},
		{"our own ping", orderPing(1), report{}},
		{"a tag alone", []byte{tagPong}, report{}},
		{"header alone", order(tagExited), report{}},
		{"a word short", order(tagExited, 1, 2, 3, 4, 5), report{}},
		{"a word long", order(tagPong, 1, 2), report{}},
		{"a byte short", order(tagStarted, 1, 2)[:23], report{}},
		{"a byte long", append(order(tagStarted, 1, 2), 0), report{}},
		{"no JSON", []byte("L"), report{}},
		{"JSON of another shape", []byte(`L{"step":1}`), report{}},
		{"JSON and more", []byte(`L{} {}`), report{}},
	} {
		got, err := parseReport(c.msg)
		switch refused := c.want == (report{}); {
		case refused && !errors.Is(err, errProtocol):
			t.Errorf("%s: %+v, %v; want it refused", c.name, got, err)
		case !refused && (err != nil || got != c.want):
			t.Errorf("%s: %+v, %v; want %+v", c.name, got, err, c.want)
		}
	}
}

func FuzzParseReport(f *testing.F) {
	for _, seed := range [][]byte{
		nil, []byte("H"), []byte(`L{"step":"a","error":"b"}`), order(tagPong, 1), order(tagStarted, 1, 2),
		order(tagFailed, 1, 11), order(tagExited, 1, 0, 1000, 1000, 9000, 1), order(tagExited, 1, 1<<63, 1<<63, 1<<63, 1<<63, 1<<63),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, msg []byte) {
		r, err := parseReport(msg)
		if (err != nil) != errors.Is(err, errProtocol) {
			t.Errorf("error %v is not errProtocol", err)
		}
		if r.exit.cpu < 0 || r.exit.cpu > 2*time.Hour || r.exit.maxRSS < 0 {
			t.Errorf("usage out of bounds: %+v", r.exit)
		}
	})
}

// frame is one frame of a run's control socket.
func frame(tag byte, payload string) string {
	return string(binary.LittleEndian.AppendUint32([]byte{tag}, uint32(len(payload)))) + payload
}

// reading is the payload of a frame that says when.
func reading(ns uint64) string { return string(binary.LittleEndian.AppendUint64(nil, ns)) }

func claim(tag byte, size uint32) string {
	return string(binary.LittleEndian.AppendUint32([]byte{tag}, size))
}

// A counted reader says how much was read of it.
type counted struct {
	io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

// endless repeats text until size bytes have come.
func endless(text string, size int64) io.Reader {
	return io.LimitReader(&repeat{text: strings.Repeat(text, 1000)}, size)
}

type repeat struct {
	text string
	at   int
}

func (r *repeat) Read(p []byte) (n int, err error) {
	for n < len(p) {
		k := copy(p[n:], r.text[r.at:])
		n, r.at = n+k, (r.at+k)%len(r.text)
	}
	return n, nil
}

// Whatever a run says, its result is bounded, what was out of place is not in
// it, and the stream is read to its end, so that the run never blocks.
func TestHostileControlSocket(t *testing.T) {
	jailed := frame(frameJailed, reading(0))
	const lots = 16 << 20
	for _, c := range []struct {
		name   string
		stream io.Reader
		want   testimony
	}{
		{"nothing", strings.NewReader(""), testimony{}},
		{"jailed", strings.NewReader(jailed), testimony{jailed: true}},
		{
			"an honest run", strings.NewReader(jailed + frame('N', `["n"]`) + frame('V', `["v"]`) + frame('M', "")),
			testimony{jailed: true, noticed: []string{"n"}, violations: []string{"v"}, outOfMemory: true},
		},
		{
			"a program that says it was refused", strings.NewReader(jailed + frame('B', reading(0)) + frame('M', "") + frame('V', `["what it found out"]`)),
			testimony{jailed: true, begun: true, outOfMemory: true},
		},
		{
			"a program that says it was noticed", strings.NewReader(jailed + frame('N', `["n"]`) + frame('B', reading(0)) + frame('N', `["forged"]`)),
			testimony{jailed: true, begun: true, noticed: []string{"n"}},
		},
		{"readings", strings.NewReader(frame('J', reading(1)) + frame('B', reading(1<<63))), testimony{jailed: true, jailedAt: 1, begun: true, begunAt: 1 << 63}},
		{"jailed at no time", strings.NewReader(frame('J', "")), testimony{}},
		{"begun at no time", strings.NewReader(jailed + frame('B', "soon") + frame('M', "")), testimony{jailed: true}},
		{"begun without a jail", strings.NewReader(frame('B', reading(0)) + jailed), testimony{}},
		{"begun after a refusal", strings.NewReader(jailed + frame('V', `["v"]`) + frame('B', reading(0))), testimony{jailed: true, violations: []string{"v"}}},
		{"jail failed", strings.NewReader(frame('E', `{"step":"s","error":"e"}`)), testimony{jailFailure: &stepFailure{"s", "e"}}},
		{"verdict before the jail", strings.NewReader(frame('V', `["v"]`) + jailed), testimony{}},
		{"notice before the jail", strings.NewReader(frame('N', `["n"]`) + jailed), testimony{}},
		{"jailed twice", strings.NewReader(jailed + jailed + frame('V', `["v"]`)), testimony{jailed: true}},
		{"jail failed after the jail", strings.NewReader(jailed + frame('E', `{"step":"s","error":"e"}`) + frame('M', "")), testimony{jailed: true}},
		{"two verdicts", strings.NewReader(jailed + frame('V', `["a"]`) + frame('V', `["b"]`)), testimony{jailed: true, violations: []string{"a"}}},
		{"no JSON", strings.NewReader(jailed + frame('V', `["a`) + frame('M', "")), testimony{jailed: true}},
		{"JSON of another shape", strings.NewReader(jailed + frame('V', `["a", 1]`) + frame('M', "")), testimony{jailed: true}},
		{"a notice of another shape", strings.NewReader(jailed + frame('N', `["a", {}]`)), testimony{jailed: true}},
		{"an unknown tag", strings.NewReader(jailed + frame('?', "") + frame('M', "")), testimony{jailed: true}},
		{"cut off in a header", strings.NewReader(jailed + "V\x05"), testimony{jailed: true}},
		{"cut off in a payload", strings.NewReader(jailed + claim('V', 100) + `["a"]`), testimony{jailed: true}},
		{"a huge length", io.MultiReader(strings.NewReader(jailed+claim('V', 1<<32-1)), endless("x", lots)), testimony{jailed: true}},
		{"64 KiB and one", io.MultiReader(strings.NewReader(jailed+claim('V', maxControl+1)), endless("x", maxControl+1)), testimony{jailed: true}},
		{"64 KiB behind a header", io.MultiReader(strings.NewReader(jailed+claim('V', maxControl)), endless("x", maxControl)), testimony{jailed: true}},
		{"endless jails", endless(jailed, lots), testimony{jailed: true}},
		{"endless memory errors", io.MultiReader(strings.NewReader(jailed), endless(frame('M', "x"), lots)), testimony{jailed: true, outOfMemory: true}},
		{"endless nulls", io.MultiReader(strings.NewReader(jailed), endless(frame('V', "null"), lots)), testimony{jailed: true}},
		{"endless noise", io.MultiReader(strings.NewReader(jailed), endless("\x00\xff\x7f", lots)), testimony{jailed: true}},
		{"deep JSON", strings.NewReader(jailed + frame('V', strings.Repeat("[", 60_000))), testimony{jailed: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			stream := &counted{Reader: c.stream}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			got := readControl(stream)
			runtime.ReadMemStats(&after)
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("%+v, want %+v", got, c.want)
			}
			if n, _ := c.stream.Read(make([]byte, 1)); n != 0 {
				t.Errorf("not drained: %d bytes were read", stream.n)
			}
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 4<<20 {
				t.Errorf("allocated %d bytes for %d that came", grown, stream.n)
			}
		})
	}
}

func FuzzReadControl(f *testing.F) {
	jailed := frame(frameJailed, reading(0))
	for _, seed := range []string{
		"", jailed, jailed + frame('V', `["v"]`), jailed + frame('N', `["n"]`) + frame('M', ""), frame('E', `{"step":"s","error":"e"}`),
		jailed + jailed, jailed + claim('V', 1<<31), jailed + frame('V', "null") + frame('V', "[]"),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		r := bytes.NewReader(stream)
		c := readControl(r)
		if r.Len() != 0 {
			t.Errorf("%d bytes are left", r.Len())
		}
		if !c.jailed && (c.violations != nil || c.noticed != nil) {
			t.Errorf("hearsay from outside the jail: %+v", c)
		}
		size := 0
		for _, s := range append(c.violations, c.noticed...) {
			size += len(s)
		}
		if size > 3*maxControl { // an invalid byte of JSON becomes the three of U+FFFD
			t.Errorf("%d bytes kept of %d", size, len(stream))
		}
	})
}
