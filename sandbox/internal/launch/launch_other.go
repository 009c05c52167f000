//go:build !linux

package launch

import (
	"fmt"
	"os"
)

// Main fails: the jail is made of Linux's own layers.
func Main() {
	fmt.Fprintln(os.Stderr, "codecell needs Linux")
	os.Exit(1)
}
