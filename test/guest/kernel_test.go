//go:build linux

package guest

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestKernelIn(t *testing.T) {
	t.Parallel()
	unpacked := func(files ...string) string {
		dir := t.TempDir()
		for _, file := range files {
			file = filepath.Join(dir, file)
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	const image, drivers = "boot/vmlinuz-6.1", "lib/modules/6.1/kernel/drivers/"
	for name, c := range map[string]struct {
		files   []string
		modules []string // nil: an error
	}{
		"drivers in order": {
			[]string{image, drivers + "block/virtio_blk.ko", drivers + "virtio/virtio.ko", drivers + "virtio/virtio_pci.ko", drivers + "virtio/virtio_mem.ko"},
			[]string{"virtio.ko", "virtio_pci.ko", "virtio_blk.ko"},
		},
		"compressed": {[]string{image, drivers + "block/virtio_blk.ko.xz"}, []string{"virtio_blk.ko.xz"}},
		"no disk":    {[]string{image, drivers + "virtio/virtio.ko"}, nil},
		"no image":   {[]string{drivers + "block/virtio_blk.ko"}, nil},
		"two images": {[]string{image, image + "-rt", drivers + "block/virtio_blk.ko"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, err := kernelIn(unpacked(c.files...))
			if (err != nil) != (c.modules == nil) {
				t.Fatal(err)
			}
			var names []string
			for _, m := range k.Modules {
				names = append(names, filepath.Base(m))
			}
			if err == nil && !slices.Equal(names, c.modules) {
				t.Errorf("have %q, want %q", names, c.modules)
			}
		})
	}
	if _, err := kernelIn(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a kernel in a folder that is not there")
	}
}
