package sandbox

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// newLibrary makes the memory file that a zygote fills with the sources of the
// standard library that its runs may want (see zygote/library.py).
func newLibrary() (*os.File, error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate("library", flags|unix.MFD_NOEXEC_SEAL)
	if errors.Is(err, unix.EINVAL) { // before Linux 6.3
		fd, err = unix.MemfdCreate("library", flags)
	}
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	return os.NewFile(uintptr(fd), "library"), nil
}

// sealLibrary makes the file immutable for everybody (memfd_create(2)) and returns
// what it holds in bytes: memory that is in no process's RSS. The error is a
// *SetupError.
func sealLibrary(file *os.File) (int64, error) {
	if _, err := unix.FcntlInt(file.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_WRITE|unix.F_SEAL_GROW|unix.F_SEAL_SHRINK|unix.F_SEAL_SEAL); err != nil {
		return 0, &SetupError{"library", os.NewSyscallError("fcntl F_ADD_SEALS", err)}
	}
	info, err := file.Stat()
	if err != nil {
		return 0, &SetupError{"library", err}
	}
	return info.Size(), nil
}
