//go:build e2e && linux

package e2e

import (
	"fmt"
	"os"
	"testing"

	"codecell/test/e2e/cgroup"
)

// memoryCgroup is a memory cgroup whose errors are the test's.
type memoryCgroup struct {
	*cgroup.Cgroup
}

// newCgroup makes a memory cgroup with this limit in bytes. It is removed when
// the test ends.
func newCgroup(t *testing.T, limit int64) memoryCgroup {
	t.Helper()
	requireRoot(t)
	c, err := cgroup.New(fmt.Sprintf("codecell-e2e-%d", os.Getpid()))
	require(t, "cgroup", "a memory cgroup (v1, or v2 with the memory controller) in which a child may be made", err)
	t.Cleanup(func() {
		if err := c.Remove(); err != nil {
			t.Error(err)
		}
	})
	g := memoryCgroup{c}
	g.limit(t, limit)
	return g
}

func (g memoryCgroup) limit(t *testing.T, bytes int64) {
	t.Helper()
	if err := g.Limit(bytes); err != nil {
		t.Fatal(err)
	}
}

// peak returns the most that was ever charged, in bytes.
func (g memoryCgroup) peak(t *testing.T) int64 {
	t.Helper()
	peak, err := g.Peak()
	if err != nil {
		t.Fatal(err)
	}
	return peak
}

// oomKills returns how many processes the kernel has killed for want of memory.
func (g memoryCgroup) oomKills(t *testing.T) int {
	t.Helper()
	kills, err := g.OOMKills()
	if err != nil {
		t.Fatal(err)
	}
	return kills
}
