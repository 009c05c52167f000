//go:build linux

package image

import (
	"context"
	"fmt"
	"strconv"
)

// MB is what docker and podman call one.
const MB = 1_000_000

const (
	// mostAbove is how much heavier than its base an image may be.
	mostAbove = 60 * MB
	// most bounds the image by itself, which is lighter than a base with its shell
	// and its package manager.
	most = 100 * MB
)

// Size is what an image's files weigh, uncompressed, in bytes.
func Size(ctx context.Context, name string) (int64, error) {
	out, err := ask(podman(ctx, "image", "inspect", "--format={{.Size}}", name))
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(out, 10, 64)
}

// Weigh returns an error when an image without further packages is too heavy,
// given its size and that of its base in bytes.
func Weigh(size, base int64) error {
	if above := size - base; above >= mostAbove {
		return fmt.Errorf("the image is %d MB above its base, and may be less than %d MB: look at what deploy/image/root.sh copies", above/MB, mostAbove/MB)
	}
	if size >= most {
		return fmt.Errorf("the image is %d MB, and may be less than %d MB: look at what deploy/image/root.sh copies", size/MB, most/MB)
	}
	return nil
}
