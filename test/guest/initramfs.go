//go:build linux

package guest

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
)

// Of each entry's mode.
const (
	cpioFolder = 0o040755
	cpioFile   = 0o100755
)

// initramfs is an archive that the kernel unpacks as its first root: each file, by
// the absolute path that it gets, from that of this machine, for everybody to read
// and to start. The format is cpio's "newc", see the kernel's
// Documentation/driver-api/early-userspace/buffer-format.rst.
func initramfs(files map[string]string) ([]byte, error) {
	var archive bytes.Buffer
	folders := map[string]bool{"/": true}
	add := func(name string, mode int, data []byte) {
		fmt.Fprintf(&archive, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
			0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name)+1, 0, name)
		pad(&archive)
		archive.Write(data)
		pad(&archive)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		var missing []string
		for dir := path.Dir(name); !folders[dir]; dir = path.Dir(dir) {
			folders[dir] = true
			missing = append(missing, dir)
		}
		for _, dir := range slices.Backward(missing) {
			add(dir[1:], cpioFolder, nil)
		}
		data, err := os.ReadFile(files[name])
		if err != nil {
			return nil, err
		}
		add(name[1:], cpioFile, data)
	}
	add("TRAILER!!!", 0, nil)
	return archive.Bytes(), nil
}

// pad fills up to a multiple of four bytes.
func pad(b *bytes.Buffer) {
	for b.Len()%4 != 0 {
		b.WriteByte(0)
	}
}
