//go:build linux

package guest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// needed are the commands that this package starts, and the Debian packages that
// have them.
var needed = []struct{ command, pkg string }{
	{emulator, "qemu-system-x86"}, {"mmdebstrap", "mmdebstrap"}, {"mkfs.ext4", "e2fsprogs"}, {"apt-get", "apt"}, {"dpkg-deb", "dpkg"},
}

// Tools says what is missing to make a guest here: nil, if nothing.
func Tools() error {
	if os.Geteuid() != 0 {
		return errors.New("only root can make the files of the guest's disk")
	}
	var missing []string
	for _, n := range needed {
		if _, err := exec.LookPath(n.command); err != nil {
			missing = append(missing, n.pkg)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("not everything is installed; on Debian: apt-get install --no-install-recommends %s", strings.Join(missing, " "))
	}
	return nil
}
