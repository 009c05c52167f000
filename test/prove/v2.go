//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"codecell/test/guest"
	"codecell/test/mutant"
)

const (
	// v2Timeout bounds the machine's life, from boot to table.
	v2Timeout = 30 * time.Minute
	// v2MiB is the guest's memory: the container's limit must be the one that is met.
	v2MiB = 3 << 10
)

// v2Attacks are few, because the machine is emulated: one for each kind of bound.
var v2Attacks = strings.Join([]string{
	"all_at_once", "anonymous", "file_maps", "memfd", "output_flood", "page_tables",
	"long-headers", "stalled-bodies", "refused-bodies",
}, "|")

// proveV2 makes the attacks in a guest whose kernel is the one of a Debian release:
// with cgroup v2, where one kill takes the container.
func proveV2(ctx context.Context, binary, release, pattern string) error {
	if runtime.GOARCH != "amd64" {
		return fmt.Errorf("the guest is an amd64, this is %s, and so is %s", runtime.GOARCH, binary)
	}
	if err := guest.Tools(); err != nil {
		return err
	}
	if pattern == "" {
		pattern = "^(" + v2Attacks + ")$"
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	cache = filepath.Join(cache, "codecell")
	dir, err := os.MkdirTemp("", "codecell-prove-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	m := guest.Machine{MiB: v2MiB, Args: []string{"-attack=" + pattern}}
	progress("kernel of Debian %s", release)
	if m.Kernel, err = guest.FetchKernel(ctx, cache, release); err != nil {
		return err
	}
	progress("disk with a minimal Debian")
	if m.Disk, err = guest.MakeDisk(ctx, cache); err != nil {
		return err
	}
	if m.Files, err = guestFiles(ctx, dir, binary); err != nil {
		return err
	}
	progress("boot %s, emulated: minutes", filepath.Base(m.Kernel.Image))
	ctx, cancel := context.WithTimeoutCause(ctx, v2Timeout, fmt.Errorf("not done after %v", v2Timeout))
	defer cancel()
	began := time.Now()
	err = m.Run(ctx, os.Stdout)
	progress("the guest ended after %v", time.Since(began).Round(time.Second))
	return err
}

// guestFiles builds what the guest runs beside the binary: its first program, and the
// product without the memory line.
func guestFiles(ctx context.Context, dir, binary string) (map[string]string, error) {
	at := 0
	for mutations[at].name != "memory-line" {
		at++
	}
	without, err := mutant.Build(ctx, dir, mutations[at].name, mutations[at].edits)
	if err != nil {
		return nil, err
	}
	if _, err := writeInputs(dir); err != nil {
		return nil, err
	}
	first := filepath.Join(dir, "inside")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", first, "./test/guest/inside")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, errors.Join(err, fmt.Errorf("go build: %s", out))
	}
	return map[string]string{
		"/init": first, "/prove/codecell": binary, "/prove/mutant": without, "/prove/observe.yaml": profileFile(dir, minimal),
	}, nil
}
