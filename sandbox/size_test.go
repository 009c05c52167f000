package sandbox

import (
	"strconv"
	"testing"
)

func TestParseSize(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want int64
	}{
		{"0", 0},
		{"1", 1},
		{"1073741824", 1 << 30},
		{"9223372036854775807", 1<<63 - 1},
		{"704Mi", 704 << 20},
		{"2Gi", 2 << 30},
		{"1.5Gi", 3 << 29},
		{"0.5Ki", 512},
		{"1.9", 1},
		{"0.000000000000000001Ti", 0},
		{"1Ki", 1 << 10},
		{"1Ti", 1 << 40},
		{"8388607Ti", 8388607 << 40},
		{"1k", 1e3},
		{"512M", 512e6},
		{"1G", 1e9},
		{"1T", 1e12},
		{"007Mi", 7 << 20},
	} {
		t.Run(tt.in, func(t *testing.T) {
			got, err := ParseSize(tt.in)
			if err != nil || got != tt.want {
				t.Errorf("ParseSize(%q) = %d, %v; want %d", tt.in, got, err, tt.want)
			}
		})
	}
}

func TestParseSizeRefuses(t *testing.T) {
	for _, in := range []string{
		"", " ", "Mi", ".5Gi", "5.Gi", "1.2.3", "-1", "+1", "1 Mi", " 1", "1\n",
		"704MB", "704MiB", "704mi", "704m", "1K", "1e3", "0x10", "1_000", "٧Mi",
		"9223372036854775808", "18446744073709551616", "8388608Ti", "8388607.99999999999999Pi",
		"0.0000000000000000001",
	} {
		t.Run(in, func(t *testing.T) {
			if got, err := ParseSize(in); err == nil {
				t.Errorf("ParseSize(%q) = %d; want an error", in, got)
			}
		})
	}
}

func FuzzParseSize(f *testing.F) {
	for _, s := range []string{"", "0", "704Mi", "1.5Gi", "512M", "1073741824", "8388608Ti", "-1", "1.2.3", "99999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseSize(s)
		if err != nil {
			return
		}
		if n < 0 {
			t.Fatalf("ParseSize(%q) = %d: negative", s, n)
		}
		back, err := ParseSize(strconv.FormatInt(n, 10))
		if err != nil || back != n {
			t.Fatalf("ParseSize(%q) = %d, but %d reads back as %d, %v", s, n, n, back, err)
		}
	})
}
