//go:build e2e && linux

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/textproto"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"codecell/test/e2e/cell"
)

// readmeServer is where the README's examples expect the server, and readmeFilesServer
// one whose programs have files.
const (
	readmeServer      = "127.0.0.1:8080"
	readmeFilesServer = "127.0.0.1:8081"
)

// fence is a fenced block of Markdown.
type fence struct {
	line     int // of its first line of text
	language string
	text     string
}

// TestREADME pastes the README's curl lines into a shell. Where the block behind
// them shows an answer, that is the answer.
func TestREADME(t *testing.T) {
	requireCommand(t, "curl")
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	servers := map[string]*cell.Server{
		readmeServer:      start(t, cell.Options{}),
		readmeFilesServer: start(t, cell.Options{Env: []string{"SANDBOX_PROFILE=standard"}}),
	}
	ran := 0
	blocks := fences(string(text))
	for i, block := range blocks {
		if block.language != "sh" || !strings.Contains("\n"+block.text, "\ncurl ") {
			continue
		}
		ran++
		t.Run(fmt.Sprintf("line=%d", block.line), func(t *testing.T) {
			script := block.text
			for shown, s := range servers {
				script = strings.ReplaceAll(script, shown, strings.TrimPrefix(s.URL, "http://"))
			}
			out := shell(t, script)
			if i+1 == len(blocks) {
				return
			}
			shown := blocks[i+1]
			switch shown.language {
			case "json":
				checkJSON(t, out, []byte(shown.text))
			case "http":
				checkHTTP(t, out, []byte(shown.text))
			case "event-stream":
				checkEvents(t, out, []byte(shown.text))
			default:
				t.Logf("no answer is shown; it was:\n%s", out)
			}
		})
	}
	if ran == 0 {
		t.Error("README.md has no curl line")
	}
}

// shell runs a script and everything that it left in the background.
func shell(t *testing.T, script string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-euc", script+"\nwait\n")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out, stderr.Bytes())
	}
	return out
}

// fences returns the fenced blocks of a Markdown text.
func fences(text string) []fence {
	var blocks []fence
	inside := false
	number := 0
	for line := range strings.Lines(text) {
		number++
		language, isFence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case isFence && inside:
			inside = false
		case isFence:
			inside = true
			blocks = append(blocks, fence{line: number + 1, language: language})
		case inside:
			blocks[len(blocks)-1].text += line
		}
	}
	return blocks
}

// varying are the members and headers of an answer that differ from one to the
// next: they have to be there, with a value of the same kind.
var varying = []string{
	"wall_ms", "cpu_ms", "max_rss_kib", "wait_ms", "instance", "latest_free_ms", "retry_after",
	"Date", "Content-Length", "Retry-After",
}

// digits are how long something took, in a sentence.
var digits = regexp.MustCompile(`[0-9]+`)

func checkJSON(t *testing.T, got, shown []byte) {
	t.Helper()
	var g, s any
	if err := json.Unmarshal(got, &g); err != nil {
		t.Fatalf("%v in the answer\n%s", err, got)
	}
	if err := json.Unmarshal(shown, &s); err != nil {
		t.Fatalf("%v in what the README shows\n%s", err, shown)
	}
	if err := same("", g, s); err != nil {
		t.Errorf("%v; the whole answer:\n%s", err, got)
	}
}

// checkEvents compares server-sent events: what each stream had in all, and the last.
func checkEvents(t *testing.T, got, shown []byte) {
	t.Helper()
	gotTexts, gotLast := readEvents(t, got)
	texts, last := readEvents(t, shown)
	if !maps.Equal(gotTexts, texts) {
		t.Errorf("printed %q, the README shows %q", gotTexts, texts)
	}
	checkJSON(t, gotLast, last)
}

func readEvents(t *testing.T, text []byte) (texts map[string]string, last []byte) {
	t.Helper()
	texts = make(map[string]string)
	for event := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n\n") {
		name, data, ok := strings.Cut(strings.TrimPrefix(event, "event: "), "\ndata: ")
		if !ok {
			t.Fatalf("no event: %q", event)
		}
		last = []byte(data)
		var printed struct{ Text string }
		if err := json.Unmarshal(last, &printed); err != nil {
			t.Fatal(err)
		}
		texts[name] += printed.Text
	}
	return texts, last
}

// same compares what came with what is shown.
func same(name string, got, shown any) error {
	if slices.Contains(varying, name) {
		if reflect.TypeOf(got) != reflect.TypeOf(shown) {
			return fmt.Errorf("%s is %#v, the README shows %#v", name, got, shown)
		}
		return nil
	}
	if name == "stderr" {
		got, shown = lastLine(fmt.Sprint(got)), lastLine(fmt.Sprint(shown)) // a traceback's marks differ between Pythons
	}
	if name == "detail" {
		got, shown = digits.ReplaceAllString(fmt.Sprint(got), "0"), digits.ReplaceAllString(fmt.Sprint(shown), "0")
	}
	g, isObject := got.(map[string]any)
	s, both := shown.(map[string]any)
	if !isObject || !both {
		if !reflect.DeepEqual(got, shown) {
			return fmt.Errorf("%s is %#v, the README shows %#v", name, got, shown)
		}
		return nil
	}
	names, want := slices.Sorted(maps.Keys(g)), slices.Sorted(maps.Keys(s))
	if !slices.Equal(names, want) {
		return fmt.Errorf("members %q, the README shows %q", names, want)
	}
	for _, member := range names {
		if err := same(member, g[member], s[member]); err != nil {
			return err
		}
	}
	return nil
}

// checkHTTP compares an answer with its head, as curl -i prints it. A header
// that the README leaves out may be there.
func checkHTTP(t *testing.T, got, shown []byte) {
	t.Helper()
	gotStatus, gotHeader, gotBody := splitHTTP(t, got)
	status, header, body := splitHTTP(t, shown)
	if gotStatus != status {
		t.Errorf("%q, the README shows %q", gotStatus, status)
	}
	for name, values := range header {
		if err := same(name, gotHeader[name], values); err != nil {
			t.Errorf("header %v", err)
		}
	}
	checkJSON(t, gotBody, body)
}

func splitHTTP(t *testing.T, text []byte) (status string, header http.Header, body []byte) {
	t.Helper()
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	head, body, ok := bytes.Cut(text, []byte("\n\n"))
	if !ok {
		t.Fatalf("no head and body in\n%s", text)
	}
	r := textproto.NewReader(bufio.NewReader(bytes.NewReader(append(head, "\n\n"...))))
	status, err := r.ReadLine()
	if err != nil {
		t.Fatal(err)
	}
	mime, err := r.ReadMIMEHeader()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(status), http.Header(mime), body
}
