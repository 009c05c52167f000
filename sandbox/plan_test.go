//go:build linux

package sandbox

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"codecell/sandbox/internal/launch"

	"golang.org/x/sys/unix"
)

func TestPlanFallsBack(t *testing.T) {
	t.Parallel()
	noClone := &SetupError{"clone", unix.EPERM}
	for _, c := range []struct {
		name string
		plan plan
		err  error
		want []uintptr // the namespaces that are tried next, until nothing is left
	}{
		{"root may have the others without the user namespace", plan{drop: true, namespaces: everyNamespace}, noClone, []uintptr{notUser, 0}},
		{"an ordinary user has all or none", plan{namespaces: everyNamespace}, noClone, []uintptr{0}},
		{"wrapped", plan{namespaces: everyNamespace}, fmt.Errorf("start: %w", noClone), []uintptr{0}},
		{"no mapping", plan{namespaces: everyNamespace}, &SetupError{"namespace_user", unix.EACCES}, []uintptr{0}},
		{"no host name", plan{drop: true, namespaces: notUser}, &SetupError{"namespace_uts", unix.EPERM}, []uintptr{0}},
		{"nothing left", plan{drop: true}, noClone, nil},
		{"another step", plan{drop: true, namespaces: everyNamespace}, &SetupError{"seccomp", unix.EPERM}, nil},
		{"another error", plan{drop: true, namespaces: everyNamespace}, errors.New("clone"), nil},
	} {
		p := c.plan
		var tried []uintptr
		for p.fallBack(c.err) {
			tried = append(tried, p.namespaces)
			if p.nsWhy != c.err.Error() {
				t.Errorf("%s: why %q, want %q", c.name, p.nsWhy, c.err)
			}
		}
		if fmt.Sprint(tried) != fmt.Sprint(c.want) {
			t.Errorf("%s: %#x, want %#x", c.name, tried, c.want)
		}
	}
}

// RLIMIT_NPROC counts by uid, and by user namespace where there is one. Without
// one, the uid of runs is that of every other cell's runs on the same host.
func TestProcessesAreLimitedOnlyWhereTheyAreOurs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		plan  plan
		slots int
		want  uint64
	}{
		{plan{drop: true, namespaces: everyNamespace}, 1, 6},
		{plan{namespaces: everyNamespace}, 4, 12},
		{plan{drop: true, namespaces: everyNamespace, gVisor: true}, 1, 0},
		{plan{drop: true, namespaces: notUser}, 1, 0},
		{plan{drop: true}, 1, 0},
		{plan{}, 1, 0},
	} {
		if got := c.plan.processes(c.slots, 0); got != c.want {
			t.Errorf("%+v, %d slots: %d, want %d", c.plan, c.slots, got, c.want)
		}
	}
}

func TestSysProcAttr(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name              string
		plan              plan
		mappings, ambient int
	}{
		{"root", plan{drop: true, uid: runUID, gid: runGID, namespaces: everyNamespace}, 2, 0},
		{"root without a user namespace", plan{drop: true, uid: runUID, gid: runGID, namespaces: notUser}, 0, 0},
		{"a user", plan{uid: 1000, gid: 1000, namespaces: everyNamespace}, 0, 4},
		{"a user without namespaces", plan{uid: 1000, gid: 1000}, 0, 0},
	} {
		attr := c.plan.sysProcAttr()
		if !attr.Setsid || attr.Pdeathsig != 0 || attr.Cloneflags != c.plan.namespaces {
			t.Errorf("%s: %+v", c.name, attr)
		}
		if len(attr.UidMappings) != c.mappings || len(attr.GidMappings) != c.mappings || len(attr.AmbientCaps) != c.ambient {
			t.Errorf("%s: %d uids, %d gids, %d capabilities; want %d, %d", c.name,
				len(attr.UidMappings), len(attr.GidMappings), len(attr.AmbientCaps), c.mappings, c.ambient)
		}
		for _, m := range append(attr.UidMappings, attr.GidMappings...) {
			if m.Size != 1 || m.ContainerID != m.HostID {
				t.Errorf("%s: maps %+v: only itself and the run's, as they are", c.name, m)
			}
		}
	}
}

func TestLayersSayWhatThePlanHas(t *testing.T) {
	t.Parallel()
	always := "capabilities no_new_privs seccomp rlimits non_dumpable"
	every := " namespace_user namespace_pid namespace_net namespace_ipc namespace_uts namespace_mount"
	for _, c := range []struct {
		name   string
		plan   plan
		active string
	}{
		{"everything", plan{drop: true, landlockABI: launch.LandlockScopeABI, namespaces: everyNamespace}, always + " uid landlock landlock_scope" + every},
		{"a user", plan{landlockABI: launch.LandlockScopeABI, namespaces: everyNamespace}, always + " landlock landlock_scope" + every},
		{"no scopes", plan{landlockABI: launch.LandlockScopeABI - 1, nsWhy: "refused"}, always + " landlock"},
		{"no user namespace", plan{drop: true, namespaces: notUser, landlockWhy: "none", nsWhy: "refused"}, always + " uid" + strings.Replace(every, " namespace_user", "", 1)},
		{"nothing", plan{landlockWhy: "none", nsWhy: "refused"}, always},
	} {
		var active []string
		seen := map[string]bool{}
		for _, l := range c.plan.layers(new(Profile)) {
			if seen[l.Name] {
				t.Errorf("%s: %s twice", c.name, l.Name)
			}
			seen[l.Name] = true
			switch {
			case l.Detail == "":
				t.Errorf("%s: %s is %s without a word why", c.name, l.Name, l.State)
			case l.State == LayerActive:
				active = append(active, l.Name)
			}
		}
		if got := strings.Join(active, " "); got != c.active {
			t.Errorf("%s: active\n%s, want\n%s", c.name, got, c.active)
		}
		if want := len(strings.Fields(always+every)) + 3; len(seen) != want {
			t.Errorf("%s: %d layers, want %d", c.name, len(seen), want)
		}
	}
}

func TestRequireLayers(t *testing.T) {
	t.Parallel()
	layers := []Layer{
		{"seccomp", LayerActive, "on"},
		{"landlock", LayerAbsent, "this kernel has no Landlock"},
		{"uid", LayerFailed, "setgroups refused"},
	}
	if err := requireLayers(layers, []string{"seccomp"}); err != nil {
		t.Errorf("what is there is required: %v", err)
	}
	if err := requireLayers(layers, nil); err != nil {
		t.Errorf("nothing is required: %v", err)
	}
	err := requireLayers(layers, []string{"uid", "seccomp", "landlock"})
	var missing *RequireError
	if !errors.As(err, &missing) || len(missing.Missing) != 2 {
		t.Fatalf("%v, want a *RequireError for two layers", err)
	}
	for _, want := range []string{"landlock is required but absent here: this kernel has no Landlock", "uid is required but failed", "SANDBOX_REQUIRE"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %q", want, err)
		}
	}
	if err := requireLayers(layers, []string{"landlok"}); err == nil || errors.As(err, &missing) || !strings.Contains(err.Error(), `"landlok"`) {
		t.Errorf("a layer that there is none of: %v", err)
	}
}

func TestMaxSlots(t *testing.T) {
	t.Parallel()
	for asked, want := range map[int]int{0: 1, 1: 1, 7: 7, mostSlots + 1: mostSlots, Auto: mostSlots} {
		if got := maxSlots(asked); got != want {
			t.Errorf("%d asked: %d, want %d", asked, got, want)
		}
	}
}
