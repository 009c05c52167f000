package sandbox

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"
)

//go:embed zygote/describe.py
var describeSource string

const (
	describeTimeout = 5 * time.Second // a version manager's shim takes 0.1 s, on a cold disk a whole one
	describeOutput  = 64 << 10        // bytes; a real answer has about 2 KiB
	describePaths   = 256             // paths in one list of an answer
)

// Supported versions, major 3: older ones lack what the zygote relies on, newer
// ones are untried.
const (
	oldestMinor = 11
	newestMinor = 13
)

// description is what zygote/describe.py prints. Whatever is called python3 may
// have printed it, so nothing in it is believed before validate.
type description struct {
	Implementation  string   `json:"implementation"`
	Version         []int    `json:"version"`
	ABIFlags        string   `json:"abi_flags"`
	Executable      string   `json:"executable"`
	Prefix          string   `json:"prefix"`
	StandardLibrary []string `json:"standard_library"`
	Missing         []string `json:"missing"`
	JIT             bool     `json:"jit"`
	Libraries       []string `json:"libraries"`
	Packages        []string `json:"packages"` // only if asked for
}

// ask runs an interpreter, as the jail's user where the server may, and returns
// its description of itself, validated.
func (s pythonSearch) ask(parent context.Context, file string) (description, error) {
	ctx, cancel := context.WithTimeout(parent, describeTimeout)
	defer cancel()
	// Whoever says too much is killed: SIGPIPE may be ignored, and a closed pipe no answer.
	stdout, stderr := &boundedBuffer{most: describeOutput, overflow: cancel}, &boundedBuffer{most: 4 << 10}
	argv := []string{"-I", "-S", "-B", "-c", describeSource}
	if s.packages {
		argv = append(argv, "packages")
	}
	cmd := exec.CommandContext(ctx, file, argv...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + s.path, "HOME=" + s.home}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	// A group of its own: a shim that hangs is killed with its children.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if s.reach.uid != os.Geteuid() {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(s.reach.uid), Gid: uint32(s.reach.gid)}
	}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	switch {
	case parent.Err() != nil:
		return description{}, context.Cause(parent)
	case stdout.full:
		return description{}, fmt.Errorf("its answer is longer than %d bytes", describeOutput)
	case ctx.Err() != nil:
		return description{}, fmt.Errorf("no answer within %v", describeTimeout)
	case err != nil:
		return description{}, fmt.Errorf("it does not start: %w%s", err, lastLine(stderr.data))
	}
	return parseDescription(stdout.data)
}

// parseDescription reads one description, in which every field is present and plausible.
func parseDescription(data []byte) (description, error) {
	var d description
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil {
		return description{}, fmt.Errorf("its answer can't be read: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return description{}, errors.New("its answer has more than one line")
	}
	if err := d.validate(); err != nil {
		return description{}, fmt.Errorf("its answer can't be right: %w", err)
	}
	return d, nil
}

func (d description) validate() error {
	if len(d.Version) != 3 || slices.ContainsFunc(d.Version, func(n int) bool { return n < 0 || n > 999 }) {
		return fmt.Errorf("version %v", d.Version)
	}
	if len(d.StandardLibrary) == 0 {
		return errors.New("it has no standard library")
	}
	if len(d.StandardLibrary) > describePaths || len(d.Libraries) > describePaths || len(d.Packages) > describePaths || len(d.Missing) > describePaths {
		return fmt.Errorf("more than %d paths", describePaths)
	}
	for _, path := range slices.Concat([]string{d.Executable, d.Prefix}, d.StandardLibrary, d.Libraries, d.Packages) {
		if !filepath.IsAbs(path) || len(path) > 4096 || filepath.Clean(path) != path || strings.ContainsFunc(path, unicode.IsControl) {
			return fmt.Errorf("path %.100q", path)
		}
	}
	return nil
}

func (d description) versionString() string {
	return fmt.Sprintf("%d.%d.%d", d.Version[0], d.Version[1], d.Version[2])
}

// unfit says why an interpreter can't run programs safely, whatever the jail.
func (d description) unfit() error {
	major, minor := d.Version[0], d.Version[1]
	switch {
	case d.Implementation != "cpython":
		return fmt.Errorf("it is %.40q, not CPython", d.Implementation)
	case major != 3 || minor < oldestMinor:
		return fmt.Errorf("it is Python %s: 3.%d is the oldest that works", d.versionString(), oldestMinor)
	case strings.Contains(d.ABIFlags, "t"):
		return errors.New("it is a free-threaded build (no GIL), which is not supported")
	case d.JIT:
		return errors.New("it is built with a JIT compiler: programs could have machine code written, and the jail allows no executable memory")
	case len(d.Missing) > 0:
		return fmt.Errorf("it lacks modules that the jail is entered with: %.300s", strings.Join(d.Missing, ", "))
	}
	return nil
}

// note is a caution about an interpreter that is fit.
func (d description) note() string {
	if minor := d.Version[1]; minor > newestMinor {
		return fmt.Sprintf("Python %s is newer than the newest that was tested, 3.%d", d.versionString(), newestMinor)
	}
	return ""
}

// libraryPaths are the directories of the shared objects that the interpreter has
// mapped (a module imported later needs others from there), and the locale data
// that it has mapped, file by file.
func (d description) libraryPaths() []string {
	var paths []string
	for _, file := range d.Libraries {
		dir := filepath.Dir(file)
		switch base := filepath.Base(file); {
		case strings.HasSuffix(base, ".so") || strings.Contains(base, ".so."):
			if tooWide(dir) {
				dir = file
			}
			paths = append(paths, dir)
		case strings.HasPrefix(file, "/usr/lib/") && !strings.HasSuffix(base, " (deleted)"):
			paths = append(paths, file)
		}
	}
	return paths
}

// tooWide reports whether a directory holds so much beside an interpreter's files
// that it must never be opened as a whole.
func tooWide(dir string) bool {
	switch dir {
	case "/", "/usr", "/usr/local", "/usr/share", "/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin":
		return true
	}
	names := names(dir)
	switch names[0] {
	case "dev", "etc", "proc", "run", "sys", "boot":
		return true
	case "home":
		return len(names) < 3
	case "root", "tmp", "var", "opt", "srv", "mnt", "media":
		return len(names) < 2
	}
	return false
}

// boundedBuffer keeps the first bytes written to it and drops the rest. It is not
// a bytes.Buffer by embedding: io.Copy would find its ReadFrom, and no bound.
type boundedBuffer struct {
	data     []byte
	most     int
	full     bool   // something was dropped
	overflow func() // when not nil, called then
}

func (b *boundedBuffer) Write(p []byte) (int, error) {
	kept := min(len(p), b.most-len(b.data))
	b.data = append(b.data, p[:kept]...)
	if kept < len(p) && !b.full {
		b.full = true
		if b.overflow != nil {
			b.overflow()
		}
	}
	return len(p), nil
}

// lastLine returns the last line that is not blank, fit to be appended to a message.
func lastLine(output []byte) string {
	line := bytes.TrimSpace(output)
	line = line[bytes.LastIndexByte(line, '\n')+1:]
	if len(line) == 0 {
		return ""
	}
	return fmt.Sprintf(" (%.200q)", line)
}
