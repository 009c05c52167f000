package function

import (
	"bufio"
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"codecell/sandbox"
	"codecell/test/rawhttp"
)

// TestEventsToASlowReader: whoever does not read costs the program nothing, and finds
// everything that was kept, in few events.
func TestEventsToASlowReader(t *testing.T) {
	box, _, _ := newFakeBox()
	const each = sandbox.CaptureLimit
	printed := make(chan struct{})
	box.runs["floods"] = func(_ context.Context, job sandbox.Job) (sandbox.Result, error) {
		defer close(printed)
		full := [2][]byte{[]byte(strings.Repeat("é", each/2)), []byte(strings.Repeat("\x01", each))}
		for n := 1; n <= each; n++ { // a byte at a time, on either stream
			job.Follow(sandbox.Stdout, full[0][:n])
			job.Follow(sandbox.Stderr, full[1][:n])
		}
		return sandbox.Result{
			Stdout: sandbox.Output{Data: full[0]}, Stderr: sandbox.Output{Data: full[1]}, Outcome: sandbox.OutcomeOK,
		}, nil
	}
	srv := serve(t, testConfig(t), box)
	conn := srv.dial(t)
	if err := conn.ShrinkWindow(32 << 10); err != nil {
		t.Fatal(err)
	}
	if err := conn.Send(rawhttp.PostJSON("/execute", code("floods"), len(code("floods")), "Accept: text/event-stream")); err != nil {
		t.Fatal(err)
	}
	expect(t, printed, "the program's end, before anything was read")
	resp, err := conn.Response(6 * wait)
	if err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(strings.NewReader(string(resp.Body)))
	got := map[string]string{}
	var last event
	for {
		e, err := nextEvent(r)
		if err == io.EOF { //nolint:errorlint // a Reader returns io.EOF itself
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if last = e; e.name != "result" {
			text := textOf(t, e)
			if len(text) > maxEventText || !utf8.ValidString(text) {
				t.Errorf("an event of %d bytes: %.20q", len(text), text)
			}
			got[e.name] += text
		}
	}
	if got["stdout"] != strings.Repeat("é", each/2) || got["stderr"] != strings.Repeat("\x01", each) || last.name != "result" {
		t.Errorf("stdout %d, stderr %d bytes, last %s", len(got["stdout"]), len(got["stderr"]), last.name)
	}
}

// TestMarksAreBounded: what waits for a slow reader is a bounded list, however a program
// alternates between its streams.
func TestMarksAreBounded(t *testing.T) {
	e := &events{wake: make(chan struct{}, 1)}
	text := make([]byte, sandbox.CaptureLimit)
	for n := 1; n <= len(text); n++ {
		e.follow(sandbox.Stdout, text[:n])
		e.follow(sandbox.Stderr, text[:n])
	}
	if len(e.marks) != maxMarks {
		t.Errorf("%d marks, want %d", len(e.marks), maxMarks)
	}
}

// TestEventsToAStoppedReader: who takes nothing for 30 s has its run killed, and who has
// not taken everything 30 s after the run, however steadily, loses the rest; either has
// its place in intake back.
func TestEventsToAStoppedReader(t *testing.T) {
	t.Run("while it runs", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			box, _, _ := newFakeBox()
			killed := make(chan struct{})
			box.runs["goes on"] = func(ctx context.Context, job sandbox.Job) (sandbox.Result, error) {
				job.Follow(sandbox.Stdout, []byte("x"))
				<-ctx.Done()
				close(killed)
				return sandbox.Result{}, context.Cause(ctx)
			}
			s, dial := servePipes(t, box)
			body := `{"code":"goes on","timeout":30}`
			if _, err := io.WriteString(dial(), rawhttp.PostJSON("/execute", body, len(body), "Accept: text/event-stream")); err != nil {
				t.Fatal(err)
			}
			time.Sleep(writeTimeout - time.Millisecond)
			synctest.Wait()
			select {
			case <-killed:
				t.Error("the run was killed too early")
			default:
			}
			time.Sleep(2 * time.Millisecond)
			<-killed
			time.Sleep(writeTimeout)
			synctest.Wait()
			if held, now := len(s.intake), s.gate.Occupancy(); held != 0 || now != (occupancy{}) {
				t.Errorf("%d in intake, %+v", held, now)
			}
		})
	})
	t.Run("after the run", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			box, _, _ := newFakeBox()
			const each = 500
			text := []byte(strings.Repeat("x", each))
			box.runs["alternates"] = func(_ context.Context, job sandbox.Job) (sandbox.Result, error) {
				for n := 1; n <= each; n++ {
					job.Follow(sandbox.Stdout, text[:n])
					job.Follow(sandbox.Stderr, text[:n])
				}
				return sandbox.Result{Stdout: sandbox.Output{Data: text}, Stderr: sandbox.Output{Data: text}, Outcome: sandbox.OutcomeOK}, nil
			}
			s, dial := servePipes(t, box)
			conn := dial()
			body := code("alternates")
			if _, err := io.WriteString(conn, rawhttp.PostJSON("/execute", body, len(body), "Accept: text/event-stream")); err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			some := make([]byte, 1<<10)
			var err error
			for err == nil && time.Since(begin) < time.Hour {
				time.Sleep(5 * time.Second)
				_, err = conn.Read(some)
			}
			if took := time.Since(begin); took > writeTimeout+10*time.Second {
				t.Errorf("it was sent to for %v", took)
			}
			synctest.Wait()
			if held := len(s.intake); held != 0 {
				t.Errorf("%d are still in intake", held)
			}
		})
	})
}

// TestEventsAndALeaver: the run of a caller that leaves is killed, and its slot is free.
func TestEventsAndALeaver(t *testing.T) {
	box, started, _ := newFakeBox()
	srv := serve(t, testConfig(t), box)
	body := code("block")
	conn := srv.send(t, rawhttp.PostJSON("/execute", body, len(body), "Accept: text/event-stream"))
	expect(t, started, "start")
	if err := conn.Leave(); err != nil {
		t.Fatal(err)
	}
	until(t, "the slot is free", func() bool { return srv.post(t, code("ok")).Status == 200 })
}
