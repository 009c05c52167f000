//go:build linux

package image

import (
	"strings"
	"testing"
)

func TestWeigh(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		size, base int64
		want       string // of the error; empty: none
	}{
		{name: "lighter than its base", size: 78 * MB, base: 124 * MB},
		{name: "as heavy as it may be", size: 100*MB - 1, base: 41 * MB},
		{name: "above its base", size: 85 * MB, base: 20 * MB, want: "65 MB above its base, and may be less than 60 MB"},
		{name: "by itself", size: 100 * MB, base: 124 * MB, want: "is 100 MB, and may be less than 100 MB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := Weigh(c.size, c.base)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}
