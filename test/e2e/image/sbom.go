//go:build linux

package image

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
)

// syft lists what is in an image: it reads the modules out of a Go binary, the
// packages out of dpkg's list and the licences out of Debian's copyright files,
// none of which we should have to know how to do. Nothing is installed.
const syft = "github.com/anchore/syft/cmd/syft@v1.57.0"

// WriteSBOM writes the image's contents to the file, as CycloneDX 1.6 in JSON. The
// first time syft is compiled, which takes minutes.
func WriteSBOM(ctx context.Context, o Options, file string) error {
	dir, err := os.MkdirTemp("", "codecell-image-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	archive := filepath.Join(dir, "image.tar")
	if err := do(podman(ctx, "save", "--quiet", "--format=oci-archive", "--output="+archive, o.Name)); err != nil {
		return err
	}
	o.Progress("%s, by syft; compiling that the first time takes minutes", file)
	scan := exec.CommandContext(ctx, "go", "run", syft, "scan", "oci-archive:"+archive, "--quiet",
		"--source-name="+o.Name, "--output=cyclonedx-json@1.6="+file)
	scan.Env = append(os.Environ(), "CGO_ENABLED=0", "SYFT_CHECK_FOR_APP_UPDATE=false")
	return do(scan)
}
