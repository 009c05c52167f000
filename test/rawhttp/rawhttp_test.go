package rawhttp

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestSaysWhatItIsTold proves the client against net/http's server: the bytes
// arrive as given, and answers come back whole.
func TestSaysWhatItIsTold(t *testing.T) {
	left := make(chan struct{}, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil || r.URL.Path == "/hang" {
			<-r.Context().Done()
			left <- struct{}{}
			return
		}
		_, _ = io.WriteString(w, r.Method+" "+r.Host+" "+string(b))
	}))
	defer srv.Close()
	addr := strings.TrimPrefix(srv.URL, "http://")

	c, err := Dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Leave()
	// Two at once: pipelining.
	if err := c.Send(PostJSON("/", "{}", 2) + Request("PUT", "/x", "", "Host: example.org")); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"POST localhost {}", "PUT example.org "} {
		if err := c.Answered(5 * time.Second); err != nil {
			t.Fatal(err)
		}
		resp, err := c.Response(5 * time.Second)
		if err != nil || string(resp.Body) != want {
			t.Fatalf("got %v %v, want %q", resp, err, want)
		}
	}
	if c.Answered(10*time.Millisecond) == nil {
		t.Error("an answer to nothing")
	}
	if c.Closed(10 * time.Millisecond) {
		t.Error("an open connection was reported closed")
	}

	for name, leave := range map[string]func(*Conn) error{"FIN": (*Conn).Leave, "RST": (*Conn).Reset} {
		c, err := Dial(addr)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Send(PostJSON("/hang", "{}", 2)); err != nil {
			t.Fatal(err)
		}
		if err := leave(c); err != nil {
			t.Fatal(err)
		}
		select {
		case <-left:
		case <-time.After(5 * time.Second):
			t.Errorf("%s: the server did not see the client leave", name)
		}
	}

	c, err = Dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Leave()
	if err := c.Send(PostJSON("/", "{", 2)); err != nil {
		t.Fatal(err)
	}
	if resp, err := c.Response(50 * time.Millisecond); err == nil {
		t.Errorf("half a body was answered with %v", resp)
	}
}
