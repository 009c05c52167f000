//go:build linux

package memory

import (
	"slices"
	"strings"
	"testing"
)

func TestURLFinder(t *testing.T) {
	t.Parallel()
	found := make(chan string, 1)
	var log tail
	f := &urlFinder{to: found, next: &log}
	const text = "codecell serves profile minimal on http://127.0.0.1:12345\ncurl -s http://127.0.0.1:9/execute\n"
	for _, b := range []byte(text) { // cut anywhere
		if _, err := f.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	if url := <-found; url != "http://127.0.0.1:12345" {
		t.Error(url)
	}
	if log.String() != text {
		t.Errorf("passed on: %q", log.String())
	}
}

func TestTailKeepsTheLast(t *testing.T) {
	t.Parallel()
	var log tail
	for range 3 {
		if _, err := log.Write([]byte(strings.Repeat("a", logMost))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := log.Write([]byte("end")); err != nil {
		t.Fatal(err)
	}
	if s := log.String(); len(s) != logMost || !strings.HasSuffix(s, "aend") {
		t.Errorf("%d bytes, ends with %q", len(s), s[len(s)-4:])
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	args := Options{Image: "i", Seccomp: "/s.json", Profile: "/p.yaml", MemoryMiB: 704, Slots: "auto", CPU: Core}.run("name", "--more")
	for _, want := range []string{
		"--user=65532:65532", "--cap-drop=all", "--security-opt=no-new-privileges", "--security-opt=seccomp=/s.json",
		"--read-only", "--read-only-tmpfs=false", "--memory=704m", "--memory-swap=704m", "--cpuset-cpus=0",
		"--env=LOCAL_ONLY=true", "--env=SANDBOX_MAX_CONCURRENCY=auto", "--pull=never", "--more",
	} {
		if !slices.Contains(args, want) {
			t.Errorf("no %s in %q", want, args)
		}
	}
	if args[len(args)-1] != "i" {
		t.Errorf("the image is not last: %q", args)
	}
}
