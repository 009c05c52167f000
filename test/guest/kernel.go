//go:build linux

package guest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
)

// A Kernel is an unpacked package of Debian's.
type Kernel struct {
	Image   string   // vmlinuz
	Modules []string // what it takes to see the disk, in the order of loading
}

// ofDisk are the drivers of the disk, each after those it needs. Newer kernels have
// all but the last built in.
var ofDisk = []string{
	"virtio", "virtio_ring", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "virtio_blk",
}

// aptConf keeps apt's state, lists and downloads below one folder: the machine's own
// are neither used nor touched. Debian's signatures are checked with its own keys.
const aptConf = `Dir "%[1]s";
Dir::State::status "/dev/null";
APT::Architecture "amd64";
APT::Sandbox::User "root";
Acquire::Languages "none";
`

const aptSource = "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n"

// FetchKernel returns the kernel that Debian's release has for virtual machines. It
// is fetched once, and unpacked into the folder cache beside its place and renamed:
// it is either whole or not there.
func FetchKernel(ctx context.Context, cache, release string) (Kernel, error) {
	dir := filepath.Join(cache, "linux-"+release)
	if k, err := kernelIn(dir); err == nil {
		return k, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return Kernel{}, err
	}
	fresh, err := os.MkdirTemp(cache, "linux-")
	if err != nil {
		return Kernel{}, err
	}
	defer os.RemoveAll(fresh)
	unpacked := filepath.Join(fresh, "unpacked")
	if err := fetch(ctx, fresh, unpacked, release); err != nil {
		return Kernel{}, fmt.Errorf("kernel of %s: %w", release, err)
	}
	err = os.Rename(unpacked, dir)
	if err != nil && !errors.Is(err, fs.ErrExist) && !errors.Is(err, syscall.ENOTEMPTY) { // somebody else was faster
		return Kernel{}, err
	}
	return kernelIn(dir)
}

var dependency = regexp.MustCompile(`(?m)^Depends: (linux-image-\S+)`)

// fetch unpacks the package into the folder to; work is for apt.
func fetch(ctx context.Context, work, to, release string) error {
	for _, dir := range []string{"etc/apt/apt.conf.d", "etc/apt/preferences.d", "var/lib/apt/lists/partial", "var/cache/apt/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(work, dir), 0o755); err != nil {
			return err
		}
	}
	conf := filepath.Join(work, "apt.conf")
	err := errors.Join(
		os.WriteFile(conf, fmt.Appendf(nil, aptConf, work), 0o600),
		os.WriteFile(filepath.Join(work, "etc/apt/sources.list"), fmt.Appendf(nil, aptSource, mirror, release), 0o600))
	if err != nil {
		return err
	}
	run := func(name string, args ...string) (string, error) {
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Dir, cmd.Env = work, append(os.Environ(), "APT_CONFIG="+conf)
		out, err := cmd.CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
		}
		return string(out), err
	}
	if _, err := run("apt-get", "update"); err != nil {
		return err
	}
	// The package of this name is empty and needs the present one.
	text, err := run("apt-cache", "show", "linux-image-cloud-amd64")
	if err != nil {
		return err
	}
	found := dependency.FindStringSubmatch(text)
	if found == nil {
		return fmt.Errorf("linux-image-cloud-amd64 depends on no image:\n%s", text)
	}
	if _, err := run("apt-get", "download", found[1]); err != nil {
		return err
	}
	packages, err := filepath.Glob(filepath.Join(work, "*.deb"))
	if err != nil || len(packages) != 1 {
		return fmt.Errorf("want one package, have %q (%w)", packages, err)
	}
	_, err = run("dpkg-deb", "--extract", packages[0], to)
	return err
}

// kernelIn finds the kernel and the modules in an unpacked package.
func kernelIn(dir string) (k Kernel, err error) {
	images, err := filepath.Glob(filepath.Join(dir, "boot/vmlinuz-*"))
	if err != nil || len(images) != 1 {
		return k, fmt.Errorf("%s: want one boot/vmlinuz-*, have %q (%w)", dir, images, err)
	}
	k.Image = images[0]
	modules := make(map[string]string)
	err = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if name, _, ok := strings.Cut(filepath.Base(path), ".ko"); ok {
			modules[name] = path
		}
		return err
	})
	for _, name := range ofDisk {
		if path, ok := modules[name]; ok {
			k.Modules = append(k.Modules, path)
		}
	}
	if err == nil && modules["virtio_blk"] == "" {
		err = fmt.Errorf("%s: no driver virtio_blk", dir)
	}
	return k, err
}
