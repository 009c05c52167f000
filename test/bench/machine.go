//go:build linux

package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// machineInfo says where and when it was measured.
type machineInfo struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Kernel string `json:"kernel"`
	Arch   string `json:"arch"`
	Date   string `json:"date"`
	// Load is the load average of the minute before: what else ran. Above a few
	// tenths the figures say more about the others than about codecell.
	Load string `json:"load"`
}

func (m machineInfo) String() string {
	return fmt.Sprintf("%s, %d cores, Linux %s %s, %s, load before %s",
		m.CPU, m.Cores, m.Kernel, m.Arch, m.Date, m.Load)
}

func machine() machineInfo {
	m := machineInfo{
		CPU:   "unknown CPU", // arm64's /proc/cpuinfo has no name
		Cores: runtime.NumCPU(),
		Arch:  runtime.GOARCH,
		Date:  time.Now().UTC().Format(time.DateOnly),
	}
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(info)) {
			if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
				m.CPU = strings.TrimSpace(value)
				break
			}
		}
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load, _, _ = strings.Cut(string(load), " ")
	}
	var u unix.Utsname
	if err := unix.Uname(&u); err == nil {
		m.Kernel = unix.ByteSliceToString(u.Release[:])
	}
	return m
}
