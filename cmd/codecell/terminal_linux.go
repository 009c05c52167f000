package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// atTerminal reports whether f is a terminal. That it is a character device
// would not say so: /dev/null is one too.
func atTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
