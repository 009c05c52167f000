package function

import (
	"context"
	"net/http"
	"testing"

	"codecell/sandbox"
)

// TestPanicFreesEverything: after a panic the slot and the place in intake are
// free, and the connection lives.
func TestPanicFreesEverything(t *testing.T) {
	box, _, _ := newFakeBox()
	box.runs["panic"] = func(context.Context, sandbox.Job) (sandbox.Result, error) { panic("a bug") }
	srv := serve(t, testConfig(t), box)
	conn := srv.dial(t)
	for range 20 {
		for body, want := range map[string]int{"panic": 500, "ok": 200} {
			if err := conn.Send(rawPost(code(body))); err != nil {
				t.Fatal(err)
			}
			if a := within(t, conn, wait); a.Status != want {
				t.Fatalf("%s: got %d %s", body, a.Status, a.Body)
			}
		}
	}
}

// TestAbortIsPassedOn: net/http's way to cut a connection is not a bug of ours.
func TestAbortIsPassedOn(t *testing.T) {
	box, _, _ := newFakeBox()
	box.runs["abort"] = func(context.Context, sandbox.Job) (sandbox.Result, error) { panic(http.ErrAbortHandler) }
	srv := serve(t, testConfig(t), box)
	conn := srv.send(t, rawPost(code("abort")))
	if !conn.Closed(wait) {
		t.Error("the connection was not cut, or something was sent")
	}
	if a := srv.post(t, code("ok")); a.Status != 200 {
		t.Errorf("got %d %s", a.Status, a.Body)
	}
}
