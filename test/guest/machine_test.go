//go:build linux

package guest

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestMarker(t *testing.T) {
	t.Parallel()
	for text, passed := range map[string]bool{
		"boot\r\n" + Passed + "\r\n[ 1.0] reboot\r\n": true,
		"\n" + Passed + "\n":                          true,
		Passed:                                        false, // cut off
		"x" + Passed + "\n":                           false,
		Passed + " x\n":                               false,
		"guest: system: no disk\n":                    false,
		"":                                            false,
	} {
		var console bytes.Buffer
		m := &marker{next: &console}
		for _, b := range []byte(text) { // cut anywhere
			if n, err := m.Write([]byte{b}); n != 1 || err != nil {
				t.Fatal(n, err)
			}
		}
		if m.passed != passed {
			t.Errorf("%q: passed %v", text, m.passed)
		}
		if want := strings.ReplaceAll(text, "\r", ""); console.String() != want {
			t.Errorf("passed on: %q, want %q", console.String(), want)
		}
	}
}

func TestModulesInOrder(t *testing.T) {
	t.Parallel()
	m := Machine{
		Kernel: Kernel{Modules: []string{"/k/virtio.ko", "/k/virtio_blk.ko.xz"}},
		Files:  map[string]string{"/init": "/tmp/inside"},
	}
	files := m.withModules()
	for to, from := range map[string]string{
		"/init": "/tmp/inside", "/modules/0-virtio.ko": "/k/virtio.ko", "/modules/1-virtio_blk.ko.xz": "/k/virtio_blk.ko.xz",
	} {
		if files[to] != from {
			t.Errorf("%s is %q, want %q", to, files[to], from)
		}
	}
	if len(m.Files) != 1 {
		t.Errorf("the caller's files were changed: %q", m.Files)
	}
}

func TestArgsOfFirstProgram(t *testing.T) {
	t.Parallel()
	args := Machine{Args: []string{"-attack=^x$"}}.args("/initrd")
	line := args[slices.Index(args, "-append")+1]
	if !strings.HasSuffix(line, " -- -attack=^x$") {
		t.Errorf("the kernel's command line is %q", line)
	}
}
