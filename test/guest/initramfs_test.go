//go:build linux

package guest

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestInitramfs reads the archive back as the kernel does.
func TestInitramfs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	contents := map[string]string{"/init": "first", "/a/b/c": "", "/a/b/d": "1234"}
	files := make(map[string]string)
	for name, text := range contents {
		files[name] = filepath.Join(dir, filepath.Base(name))
		if err := os.WriteFile(files[name], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	archive, err := initramfs(files)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for rest := archive; ; {
		const header, sizeAt, nameAt = 110, 54, 94
		if len(rest) < header || !bytes.HasPrefix(rest, []byte("070701")) {
			t.Fatalf("no header in %q", rest[:min(len(rest), header)])
		}
		field := func(at int) int {
			n, err := strconv.ParseInt(string(rest[at:at+8]), 16, 64)
			if err != nil {
				t.Fatal(err)
			}
			return int(n)
		}
		up := func(n int) int { return (n + 3) / 4 * 4 }
		size, nameSize := field(sizeAt), field(nameAt)
		name := strings.TrimSuffix(string(rest[header:header+nameSize]), "\x00")
		if name == "TRAILER!!!" {
			break
		}
		body := up(header + nameSize)
		if text, ok := contents["/"+name]; ok && text != string(rest[body:body+size]) {
			t.Errorf("%s: %q", name, rest[body:body+size])
		}
		names = append(names, name)
		rest = rest[up(body+size):]
	}
	// A folder stands before what is in it, or the kernel has nowhere to put that.
	if want := []string{"a", "a/b", "a/b/c", "a/b/d", "init"}; !slices.Equal(names, want) {
		t.Errorf("have %q, want %q", names, want)
	}
}

func TestInitramfsWithoutFile(t *testing.T) {
	t.Parallel()
	if _, err := initramfs(map[string]string{"/init": filepath.Join(t.TempDir(), "none")}); err == nil {
		t.Error("made of a file that is not there")
	}
}
