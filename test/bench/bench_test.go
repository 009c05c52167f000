//go:build linux

package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"codecell/test/mutant"
)

func TestParseFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		stat          string
		own, children int64
		ok            bool
	}{
		{"12 (python3.11) S 7 1 1 0 -1 4194560 101 2002 3 4", 101, 2002, true},
		{"12 (a) 1 (b) S 7 1 1 0 -1 4194560 101 2002 3 4", 101, 2002, true},
		{"12 (sh) S 7 1", 0, 0, false},
		{"12 (sh) S 7 1 1 0 -1 4194560 x 2002 3", 0, 0, false},
		{"", 0, 0, false},
	} {
		own, children, err := parseFaults(tt.stat)
		if (err == nil) != tt.ok || tt.ok && (own != tt.own || children != tt.children) {
			t.Errorf("parseFaults(%q) = %d, %d, %v", tt.stat, own, children, err)
		}
	}
}

// TestMutants finds that each edit still fits the product.
func TestMutants(t *testing.T) {
	t.Chdir("../..")
	for _, without := range lesser {
		if _, err := mutant.Apply(without.edits); err != nil {
			t.Errorf("%s: %v", without.layer, err)
		}
	}
}

func TestHundred(t *testing.T) {
	t.Parallel()
	if n := strings.Count(hundred, "\n"); n != 100 {
		t.Errorf("hundred.py has %d lines", n)
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		names string
		want  []string
		ok    bool
	}{
		{"layers,start", []string{"start", "layers"}, true},
		{"start,begin", nil, false},
		{"start,", nil, false},
	} {
		chosen, err := choose(tt.names)
		var got []string
		for _, s := range chosen {
			got = append(got, s.name)
		}
		if (err == nil) != tt.ok || !slices.Equal(got, tt.want) {
			t.Errorf("choose(%q) = %q, %v", tt.names, got, err)
		}
	}
	if all, err := choose(""); err != nil || len(all) != len(stages) {
		t.Errorf("choose of none: %d stages, %v", len(all), err)
	}
}

// TestBareFork runs every program on the floor, with a Python that has nothing
// imported.
func TestBareFork(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(fallbackPython); err != nil {
		t.Skipf("python: want %s, have %v", fallbackPython, err)
	}
	bare, err := startBareFork(t.Context(), fallbackPython, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range programs {
		if took, err := bare.measure(s, 2); err != nil || len(took) != 2 {
			t.Fatalf("%s: %v, %v", s.name, took, err)
		}
	}
	if err := bare.close(); err != nil {
		t.Error(err)
	}
}
