package sandbox

import (
	"debug/elf"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"
)

// elfMachines are the machines that this server can jail, by GOARCH.
var elfMachines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// elfInterpreter returns the dynamic loader that an executable names (PT_INTERP),
// or "" for one that is linked statically. The kernel executes the loader, so the
// jail must allow that too. An executable for another machine is an error: its
// system calls have numbers that the filters kill.
func elfInterpreter(file string) (_ string, err error) {
	f, err := elf.Open(file)
	if err != nil {
		return "", fmt.Errorf("%s is not an ELF executable: %w", file, err)
	}
	defer f.Close() // only read
	if want, ok := elfMachines[runtime.GOARCH]; ok && (f.Machine != want || f.Class != elf.ELFCLASS64) {
		return "", fmt.Errorf("%s is built for %v, not for %v", file, f.Machine, want)
	}
	for _, segment := range f.Progs {
		if segment.Type != elf.PT_INTERP {
			continue
		}
		name, err := io.ReadAll(io.LimitReader(segment.Open(), 4096))
		if err != nil {
			return "", fmt.Errorf("%s: PT_INTERP: %w", file, err)
		}
		loader := strings.TrimRight(string(name), "\x00")
		if !filepath.IsAbs(loader) {
			return "", fmt.Errorf("%s: its loader %.100q is not an absolute path", file, loader)
		}
		return loader, nil
	}
	return "", nil
}
