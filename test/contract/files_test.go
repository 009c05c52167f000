//go:build linux

package contract

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// fileRequest is what a caller sends who has files.
type fileRequest struct {
	Code    string              `json:"code"`
	Files   []map[string]string `json:"files,omitempty"`
	Outputs []string            `json:"outputs,omitempty"`
	Timeout float64             `json:"timeout,omitempty"`
}

func (f fileRequest) request(t *testing.T, headers ...string) request {
	t.Helper()
	body, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	return execute(string(body), headers...)
}

// fileResult is what is answered, as far as these tests look.
type fileResult struct {
	Stdout, Stderr, Outcome string
	Files                   []struct {
		Name, SHA256, Omitted string
		MediaType             string `json:"media_type"`
		Size                  int64
		Content               []byte `json:"content_base64"`
	}
}

// requireFiles wants a kernel that can hold a program with files of its own: gVisor's can't.
func requireFiles(t *testing.T) {
	t.Helper()
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 || abi < 3 {
		t.Skipf("want Landlock of ABI 3 or later, have %d (%v)", abi, errno)
	}
}

// Files in, files out, over HTTP and in events; and the next request finds nothing of them.
func TestFiles(t *testing.T) {
	t.Parallel()
	requireFiles(t)
	s := start(t, serve, "SANDBOX_PROFILE=standard")
	ask := fileRequest{
		Code:    "import csv\nrows = list(csv.reader(open('in/d.csv')))\nprint(rows)\nopen('sum.txt', 'w').write(str(sum(int(r[1]) for r in rows)))\nopen('big.bin', 'wb').write(bytes(3 << 20))",
		Files:   []map[string]string{{"name": "in/d.csv", "content": "a,1\nb,2\n"}, {"name": "b", "content_base64": "AP8="}},
		Outputs: []string{"*.txt", "*.bin"},
	}
	resp := s.do(t, ask.request(t))
	var got fileResult
	if err := json.Unmarshal(resp.Body, &got); err != nil || resp.Status != http.StatusOK {
		t.Fatalf("%v %v", resp, err)
	}
	if got.Stdout != "[['a', '1'], ['b', '2']]\n" || len(got.Files) != 2 {
		t.Fatalf("got %s", resp.Body)
	}
	if big := got.Files[0]; big.Name != "big.bin" || big.Omitted != "size" || big.Size != 3<<20 || big.SHA256 != "" {
		t.Errorf("got %+v", big)
	}
	if sum := got.Files[1]; sum.Name != "sum.txt" || string(sum.Content) != "3" || sum.MediaType != "text/plain" ||
		sum.SHA256 != "4e07408562bedb8b60ce05c1decfe3ad16b72230967de01f640b7e4729b49fce" {
		t.Errorf("got %+v", sum)
	}
	wantPrinted(t, s.do(t, fileRequest{Code: "import os\nprint(os.listdir())"}.request(t)), "[]\n")

	events := string(s.do(t, ask.request(t, acceptEvents)).Body)
	if !strings.Contains(events, "event: result\ndata: {\"stdout\":") || !strings.Contains(events, `"name":"sum.txt","media_type":"text/plain","size":1,`) {
		t.Errorf("got %s", events)
	}

	bad := fileRequest{Code: "print(1)", Files: []map[string]string{{"name": "../x", "content": ""}}}
	if resp := s.do(t, bad.request(t)); resp.Status != http.StatusUnprocessableEntity || !strings.Contains(string(resp.Body), "body.files[0].name") {
		t.Errorf("got %v", resp)
	}
}

// Events arrive while the program sleeps, not when it ends.
func TestEventsOfAProgramThatSleeps(t *testing.T) {
	t.Parallel()
	requireFiles(t)
	s := start(t, serve, "SANDBOX_PROFILE=standard")
	conn := s.dial(t)
	send(t, conn, fileRequest{Code: "import time\nprint('first')\ntime.sleep(60)", Timeout: 60}.request(t, acceptEvents))
	head := ""
	for !strings.HasSuffix(head, "}\n\n") {
		part, err := conn.ReadAtMost(1, answerTime)
		if err != nil {
			t.Fatalf("%v after %q", err, head)
		}
		head += string(part)
	}
	if !strings.Contains(head, "event: stdout\ndata: {\"text\":\"first\\n\"}\n\n") {
		t.Errorf("got %q", head)
	}
	if err := conn.Leave(); err != nil {
		t.Fatal(err)
	}
	s.wantNextOnceLeft(t)
}

// Where programs have no files, whoever sends some is told so, and which profile it is.
func TestFilesWhereThereAreNone(t *testing.T) {
	t.Parallel()
	s := start(t, serve)
	for _, ask := range []fileRequest{
		{Code: "print(1)", Files: []map[string]string{{"name": "x", "content": ""}}},
		{Code: "print(1)", Outputs: []string{"*"}},
	} {
		resp := s.do(t, ask.request(t))
		if resp.Status != http.StatusUnprocessableEntity || !strings.Contains(string(resp.Body), "profile minimal gives its programs no workspace") {
			t.Errorf("got %v", resp)
		}
	}
}
