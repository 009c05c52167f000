//go:build linux

package memory

import (
	"context"
	"fmt"
	"time"

	"codecell/test/e2e/cell"
)

// generations: one program after another does what a process can to its parent's
// memory, for as many runs as a zygote lives and some more.
var generations = Attack{
	Name:    "generations",
	Route:   "growth of the zygote",
	Client:  runGenerations,
	Answers: []Seen{Served},
}

const (
	generationRuns = 1_200 // a zygote of the profile minimal has 1,000
	// zygoteGrowth is what its resident memory may rise by, in bytes.
	zygoteGrowth = 2 << 20
	// Grown is seen of a zygote that holds more than that.
	Grown Seen = "zygote grown"
)

func runGenerations(ctx context.Context, t *Target) error {
	c := t.Client(2 * runTimeout)
	defer c.Close()
	// Who answers is warm: one that is still importing would be a low mark.
	if _, err := t.Execute(ctx, c, cell.Request{Code: "pass", Timeout: 10}); err != nil {
		return err
	}
	before, err := t.zygoteMemory()
	if err != nil {
		return err
	}
	for i := range generationRuns {
		// Interned names, and every module of the profile written to.
		a, err := t.Execute(ctx, c, cell.Request{Code: fmt.Sprintf(
			"import math, json, re\nmath.x%d = json.x%d = [0] * 100_000\nre.compile('a{%d}')", i, i, i), Timeout: 10})
		if err != nil {
			return err
		}
		if a.Status == 200 && a.Outcome != string(OK) {
			return fmt.Errorf("run %d: %s", i, a)
		}
		if i%100 != 0 {
			continue
		}
		now, err := t.zygoteMemory()
		if err != nil {
			return err
		}
		if now > before+zygoteGrowth {
			t.Saw(Grown)
		}
	}
	return nil
}

// zygoteMemory is the resident memory of the largest zygote, in bytes. While one
// replaces another there are two, while one is killed and another made, none.
func (t *Target) zygoteMemory() (most int64, err error) {
	deadline := time.Now().Add(answerTime)
	for most == 0 && time.Now().Before(deadline) {
		zygotes, err := t.Zygotes()
		if err != nil {
			return 0, err
		}
		for _, z := range zygotes {
			most = max(most, z.RSS)
		}
	}
	if most == 0 {
		return 0, fmt.Errorf("no zygote in %v", answerTime)
	}
	return most, nil
}
