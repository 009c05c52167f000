//go:build e2e && linux

package e2e

import (
	"fmt"
	"strings"
	"testing"

	"codecell/test/e2e/cell"
)

// users are whom a container may run the server as.
var users = []struct {
	name string
	wrap []string // nil: as the test itself
}{
	{"as the tests", nil},
	// No entry in /etc/passwd, no group: what OpenShift assigns.
	{"uid 1234", []string{"setpriv", "--reuid", "1234", "--regid", "1234", "--clear-groups"}},
	// Kubernetes' restricted pod security, with distroless's uid.
	{"uid 65532, no capability, no_new_privs", []string{
		"setpriv", "--reuid", "65532", "--regid", "65532", "--clear-groups",
		"--bounding-set=-all", "--inh-caps=-all", "--no-new-privs",
	}},
}

// machines are what a platform may withhold (see test/e2e/hide).
var machines = []struct {
	name string
	hide string
	// absent begins the names of the layers that can't be active here.
	absent []string
}{
	{name: "this machine"},
	{name: "no user namespaces", hide: "userns", absent: []string{"namespace_user"}},
	{name: "no Landlock", hide: "landlock", absent: []string{"landlock"}},
	{name: "neither", hide: "userns,landlock", absent: []string{"namespace_user", "landlock"}},
	{name: "read-only root, no /tmp", hide: "writing"},
}

// TestUsers starts the server as each user on each machine: it works, says which
// layers it has, and a few attacks with the policy out of the way get nowhere.
func TestUsers(t *testing.T) {
	observed := profile(t, "observe", "policy", "ast_scan", "mode")
	table := cell.NewTable("user", "machine", "print(42)", "attacks denied", "layers (-: absent, !: failed)")
	for _, u := range users {
		for _, m := range machines {
			t.Run(u.name+"/"+m.name, func(t *testing.T) {
				if m.hide == "writing" {
					requireRoot(t)
				}
				if u.wrap != nil {
					requireRoot(t)
					requireCommand(t, "setpriv")
				}
				var wrap []string
				if m.hide != "" {
					wrap = append(wrap, hide, m.hide, "--") // first, while it may do so without no_new_privs
				}
				s, err := cell.Start(t.Context(), cell.Options{
					Binary: codecell,
					Wrap:   append(wrap, u.wrap...),
					Env:    []string{"SANDBOX_PROFILE=" + observed},
				})
				if err != nil {
					table.Row(u.name, m.name, "did not start", "", lastLine(err.Error()))
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
				p, err := c.Profile(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, l := range p.Isolation {
					for _, prefix := range m.absent {
						if strings.HasPrefix(l.Layer, prefix) && l.State == "active" {
							t.Errorf("%s is %s: %s", l.Layer, l.State, l.Detail)
						}
					}
				}
				table.Row(u.name, m.name, strings.TrimSpace(a.Stdout), fmt.Sprintf("%d of %d", denied, len(attacks)), layers(p))
			})
		}
	}
	table.Print(t.Output())
}

// layers puts the isolation list in one cell.
func layers(p cell.Profile) string {
	marks := map[string]string{"active": "", "absent": "-", "failed": "!"}
	names := make([]string, len(p.Isolation))
	for i, l := range p.Isolation {
		mark, ok := marks[l.State]
		if !ok {
			mark = l.State + "?"
		}
		names[i] = mark + l.Layer
	}
	return strings.Join(names, " ")
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// TestAttacksWorkOutside is the attacks' positive control: a plain interpreter
// lets every one of them through.
func TestAttacksWorkOutside(t *testing.T) {
	requireCommand(t, "python3")
	for _, attack := range attacks {
		t.Run(attack.name, func(t *testing.T) { attack.control(t) })
	}
}
