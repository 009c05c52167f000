//go:build linux

package guest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// emulator is the command that emulates.
const emulator = "qemu-system-x86_64"

// Passed is the line on the console by which the first program tells that all was
// well. Whatever else happens, it was not.
const Passed = "guest: passed"

// ErrFailed says that the guest came to an end without that line.
var ErrFailed = errors.New("the guest has not passed: see its console")

// A Machine is what to boot.
type Machine struct {
	Kernel Kernel
	Disk   string            // an ext4, /dev/vda in the guest, which can only read it
	Files  map[string]string // of the first root: absolute path there, file here; "/init" is the first program
	Args   []string          // its arguments, without white space or quotation marks
	MiB    int               // of memory
}

// Run boots the machine and returns when it has ended: nil if it has Passed. What
// it prints goes to console. When ctx is done, or this process gone, so is the machine.
func (m Machine) Run(ctx context.Context, console io.Writer) error {
	dir, err := os.MkdirTemp("", "codecell-guest-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	initrd := filepath.Join(dir, "initramfs")
	archive, err := initramfs(m.withModules())
	if err != nil {
		return err
	}
	if err := os.WriteFile(initrd, archive, 0o600); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, emulator, m.args(initrd)...)
	seen := &marker{next: console}
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = seen, &stderr
	cmd.WaitDelay = time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	// The kernel sends that signal when the thread ends that started the process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err = cmd.Run()
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("guest: %w", context.Cause(ctx))
	case err != nil:
		return fmt.Errorf("%s: %w\n%s", emulator, err, &stderr)
	case !seen.passed:
		return ErrFailed
	}
	return nil
}

// withModules adds the drivers to the files, by the names under which the first
// program finds them in order.
func (m Machine) withModules() map[string]string {
	files := make(map[string]string)
	maps.Copy(files, m.Files)
	for i, module := range m.Kernel.Modules {
		files[fmt.Sprintf("%s/%d-%s", ModulesDir, i, filepath.Base(module))] = module
	}
	return files
}

// ModulesDir is where the first program finds the kernel's modules. It loads them in
// the order of their names.
const ModulesDir = "/modules"

func (m Machine) args(initrd string) []string {
	line := append([]string{"console=ttyS0", "quiet", "panic=-1", "--"}, m.Args...)
	return []string{
		"-no-user-config", "-nodefaults", "-display", "none", "-no-reboot",
		"-machine", "q35", "-cpu", "max", "-smp", "1", "-m", fmt.Sprintf("%dM", m.MiB),
		// An instruction takes 1 ns (2^0) of the guest's time, and idle waiting none of ours.
		"-accel", "tcg", "-icount", "shift=0,sleep=off",
		"-serial", "stdio",
		"-kernel", m.Kernel.Image, "-initrd", initrd, "-append", strings.Join(line, " "),
		"-drive", "if=none,id=root,format=raw,readonly=on,file=" + m.Disk, "-device", "virtio-blk-pci,drive=root",
	}
}

// A marker passes on what is written, with newlines as here, and looks for Passed.
type marker struct {
	next   io.Writer
	line   []byte
	passed bool
}

func (w *marker) Write(p []byte) (int, error) {
	text := bytes.ReplaceAll(p, []byte("\r"), nil)
	for rest := text; len(rest) > 0; {
		part, after, whole := bytes.Cut(rest, []byte("\n"))
		w.line = append(w.line, part...)
		if rest = after; whole {
			w.passed = w.passed || string(w.line) == Passed
			w.line = w.line[:0]
		}
	}
	if _, err := w.next.Write(text); err != nil {
		return 0, err
	}
	return len(p), nil
}
