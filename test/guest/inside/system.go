//go:build linux

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"codecell/test/guest"
)

// diskTimeout bounds the wait for the disk after its driver was loaded.
const diskTimeout = 30 * time.Second

// start makes a system of the bare kernel: the disk is the root, read-only, with the
// given folder of the first root at /mnt and cgroup v2 at /sys/fs/cgroup, and the
// loopback interface is up.
func start(files string) error {
	if err := mount("devtmpfs", "/dev", "devtmpfs", 0); err != nil {
		return err
	}
	if err := loadModules(); err != nil {
		return err
	}
	if err := await("/dev/vda", diskTimeout); err != nil {
		return err
	}
	const root = "/disk"
	for _, m := range []struct {
		source, target, kind string
		flags                uintptr
	}{
		{"/dev/vda", root, "ext4", unix.MS_RDONLY},
		{"devtmpfs", root + "/dev", "devtmpfs", 0},
		{"proc", root + "/proc", "proc", 0},
		{"sysfs", root + "/sys", "sysfs", 0},
		{"cgroup2", root + "/sys/fs/cgroup", "cgroup2", 0},
		{files, root + "/mnt", "", unix.MS_BIND},
	} {
		if err := mount(m.source, m.target, m.kind, m.flags); err != nil {
			return err
		}
	}
	// The first root can't be left by pivot_root(2).
	if err := errors.Join(os.Chdir(root), unix.Mount(".", "/", "", unix.MS_MOVE, ""), unix.Chroot("."), os.Chdir("/")); err != nil {
		return fmt.Errorf("root on disk: %w", err)
	}
	return errors.Join(
		os.Setenv("PATH", "/usr/sbin:/usr/bin"),
		loopback(),
		os.WriteFile("/sys/fs/cgroup/cgroup.subtree_control", []byte("+memory +cpu"), 0),
	)
}

func mount(source, target, kind string, flags uintptr) error {
	if err := os.MkdirAll(target, 0o755); err != nil && !errors.Is(err, unix.EROFS) {
		return err
	}
	if err := unix.Mount(source, target, kind, flags, ""); err != nil {
		return fmt.Errorf("mount %s on %s: %w", source, target, err)
	}
	return nil
}

// loadModules loads what this kernel needs to see the disk.
func loadModules() error {
	files, err := os.ReadDir(guest.ModulesDir) // sorted
	if err != nil {
		return err
	}
	for _, f := range files {
		module, err := os.Open(filepath.Join(guest.ModulesDir, f.Name()))
		if err != nil {
			return err
		}
		flags := 0
		if strings.HasSuffix(f.Name(), ".xz") {
			flags = unix.MODULE_INIT_COMPRESSED_FILE
		}
		err = errors.Join(unix.FinitModule(int(module.Fd()), "", flags), module.Close())
		if err != nil {
			return fmt.Errorf("module %s: %w", f.Name(), err)
		}
	}
	return nil
}

// await waits for a file to be there.
func await(file string, most time.Duration) error {
	deadline := time.After(most)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		_, err := os.Stat(file)
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		select {
		case <-deadline:
			return err
		case <-tick.C:
		}
	}
}

// loopback turns the interface lo on, which then has 127.0.0.1.
func loopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("lo: %w", err)
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("lo: %w", err)
	}
	return nil
}
