//go:build e2e && linux

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"codecell/test/e2e/cell"
)

const restrictedUser = "uid 65532, no capability, no_new_privs"

// users are whom a container may run the server as.
var users = []struct {
	name string
	wrap []string // nil: as the test itself
}{
	{name: self()},
	{"www-data, an ordinary user", []string{"setpriv", "--reuid", "www-data", "--regid", "www-data", "--init-groups"}},
	// No entry in /etc/passwd, no group: what OpenShift assigns.
	{"uid 1234, without an entry", []string{"setpriv", "--reuid", "1234", "--regid", "1234", "--clear-groups"}},
	// Kubernetes' restricted pod security, with distroless's uid.
	{restrictedUser, []string{
		"setpriv", "--reuid", "65532", "--regid", "65532", "--clear-groups",
		"--bounding-set=-all", "--inh-caps=-all", "--no-new-privs",
	}},
}

// self is the name of whom the tests run as.
func self() string {
	if uid := os.Geteuid(); uid != 0 {
		return fmt.Sprintf("uid %d, as the tests", uid)
	}
	return "root"
}

// machines are what a platform may withhold (see test/e2e/hide).
var machines = []struct {
	name string
	hide []string
	// absent begins the names of the layers that can't be active here.
	absent []string
}{
	{name: "as it is"},
	{name: "no user namespaces", hide: []string{"userns"}, absent: []string{"namespace_user"}},
	{name: "no Landlock", hide: []string{"landlock"}, absent: []string{"landlock"}},
	{name: "neither", hide: []string{"userns", "landlock"}, absent: []string{"namespace_user", "landlock"}},
	{name: "read-only, /tmp too", hide: []string{"writing"}},
	{name: "neither, read-only", hide: []string{"userns", "landlock", "writing"}, absent: []string{"namespace_user", "landlock"}},
}

// TestUsers starts the server with each Python, as each user, on each machine: it
// works, has the layers that it says it has, and a few attacks with the policy out
// of the way get nowhere.
func TestUsers(t *testing.T) {
	observed := profile(t, "observe", "policy", "ast_scan", "mode")
	table := cell.NewTable("python", "user", "machine", "42", "attacks denied", "layers")
	for _, p := range pythons {
		for _, u := range users {
			for _, m := range machines {
				t.Run(p.name+"/"+u.name+"/"+m.name, func(t *testing.T) {
					if slices.Contains(m.hide, "writing") {
						requireRoot(t)
					}
					if u.wrap != nil {
						requireRoot(t)
						requireCommand(t, "setpriv")
					}
					// What is hidden is hidden first, while that may be done without no_new_privs.
					wrap := append(p.wrap(t, m.hide, filepath.Dir(codecell), filepath.Dir(observed)), u.wrap...)
					s, err := cell.Start(t.Context(), cell.Options{
						Binary: codecell,
						Wrap:   wrap,
						Env:    []string{"SANDBOX_PROFILE=" + observed},
					})
					if err != nil {
						table.Row(p.name, u.name, m.name, "did not start", "", lastLine(err.Error()))
						t.Fatal(err)
					}
					t.Cleanup(func() {
						stop(t, s)
						if t.Failed() {
							showLog(t, s)
						}
					})
					c := client(t, s)
					a := execute(t, c, cell.Request{Code: "print(42)"})
					if !a.OK("42\n") {
						t.Errorf("print(42): %s", a)
					}
					denied := 0
					for _, attack := range attacks {
						if err := attack.try(t, c); err != nil {
							t.Errorf("%s: %v", attack.name, err)
						} else {
							denied++
						}
					}
					said, err := c.Profile(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					table.Row(said.Runtime.Version, u.name, m.name, strings.TrimSpace(a.Stdout), fmt.Sprintf("%d of %d", denied, len(attacks)), layers(said))
					if !strings.HasPrefix(said.Runtime.Version, p.version) {
						t.Errorf("the server chose Python %s, want %s*", said.Runtime.Version, p.version)
					}
					for _, l := range said.Isolation {
						for _, prefix := range m.absent {
							if strings.HasPrefix(l.Layer, prefix) && l.State == "active" {
								t.Errorf("%s is %s: %s", l.Layer, l.State, l.Detail)
							}
						}
					}
					if os.Geteuid() == 0 {
						checkLayers(t, s, m.hide, said.Isolation)
					}
				})
			}
		}
	}
	table.Print(t.Output())
}

// layers puts the isolation list in one cell: how many are active, and which are
// not.
func layers(p cell.Profile) string {
	const namespace = "namespace_"
	active, namespaces := 0, 0
	var others, kinds []string
	for _, l := range p.Isolation {
		kind, isNamespace := strings.CutPrefix(l.Layer, namespace)
		if isNamespace {
			namespaces++
		}
		switch {
		case l.State == "active":
			active++
		case isNamespace && l.State == "absent":
			kinds = append(kinds, kind)
		default:
			others = append(others, l.Layer+" "+l.State)
		}
	}
	switch {
	case len(kinds) == namespaces:
		others = append(others, namespace+"* absent")
	case kinds != nil:
		others = append(others, namespace+strings.Join(kinds, "/")+" absent")
	}
	return strings.Join(append([]string{fmt.Sprintf("%d of %d", active, len(p.Isolation))}, others...), ", ")
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
