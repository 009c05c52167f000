package launch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/elastic/go-seccomp-bpf/arch"
)

// namesByList reads the names of calls out of a source file, by the variable that
// holds them, so that the lists of every architecture are checked on any.
func namesByList(t testing.TB, file string) map[string][]string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string][]string{}
	for _, decl := range parsed.Decls {
		vars, ok := decl.(*ast.GenDecl)
		if !ok || vars.Tok != token.VAR {
			continue
		}
		for _, spec := range vars.Specs {
			list := spec.(*ast.ValueSpec)
			names[list.Names[0].Name] = namesUnder(t, list)
		}
	}
	return names
}

// namesUnder are the names that calls, when and whenIn are given.
func namesUnder(t testing.TB, list ast.Node) (names []string) {
	t.Helper()
	ast.Inspect(list, func(n ast.Node) bool {
		made, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		from, ok := made.Fun.(*ast.Ident)
		if !ok || !slices.Contains([]string{"calls", "when", "whenIn", "instead"}, from.Name) {
			return true
		}
		for _, a := range made.Args {
			if text, ok := a.(*ast.BasicLit); ok && text.Kind == token.STRING {
				name, err := strconv.Unquote(text.Value)
				if err != nil {
					t.Fatal(err)
				}
				names = append(names, name)
			}
		}
		return true
	})
	return names
}

// namesIn are all names of a source file.
func namesIn(t testing.TB, file string) (names []string) {
	t.Helper()
	for _, list := range namesByList(t, file) {
		names = append(names, list...)
	}
	if len(names) == 0 {
		t.Fatalf("%s: found no name of a call: this test proves nothing", file)
	}
	return names
}

func TestEveryNameIsACall(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		file   string
		tables []*arch.Info
	}{
		{"calls.go", []*arch.Info{arch.X86_64, arch.AARCH64}},
		{"calls_amd64.go", []*arch.Info{arch.X86_64}},
		{"calls_arm64.go", []*arch.Info{arch.AARCH64}},
	} {
		for _, name := range namesIn(t, c.file) {
			for _, table := range c.tables {
				if _, ok := table.SyscallNames[name]; !ok {
					t.Errorf("%s: %s has no call %s", c.file, table.Name, name)
				}
			}
		}
	}
}

// What one architecture's file adds is not in the portable list already.
func TestArchitecturesAddNames(t *testing.T) {
	t.Parallel()
	portable := namesIn(t, "calls.go")
	for _, file := range []string{"calls_amd64.go", "calls_arm64.go"} {
		for _, name := range namesIn(t, file) {
			if slices.Contains(portable, name) {
				t.Errorf("%s and calls.go both have %s", file, name)
			}
		}
	}
}

// everyAbility are all that a profile can give.
var everyAbility = []Abilities{{}, {Files: true}, {Threads: true}, {Files: true, Threads: true}, {Files: true, Threads: true, Volume: true}}

// everyList are the lists with every set of abilities.
func everyList() map[string][]rule {
	lists := map[string][]rule{}
	for _, a := range everyAbility {
		for name, rules := range map[string][]rule{"outer": a.outer(), "seal": a.seal(), "inner": a.inner()} {
			lists[fmt.Sprintf("%s with %+v", name, a)] = rules
		}
	}
	return lists
}

func TestNoCallIsNamedWithAndWithoutTests(t *testing.T) {
	t.Parallel()
	for list, rules := range everyList() {
		plain := map[string]bool{}
		for _, r := range rules {
			if len(r.tests) > 0 {
				continue
			}
			if plain[r.name] {
				t.Errorf("%s names %s twice", list, r.name)
			}
			plain[r.name] = true
		}
		for _, r := range rules {
			if len(r.tests) > 0 && plain[r.name] {
				t.Errorf("%s has %s both with and without a test", list, r.name)
			}
		}
	}
}

// A run stands under outer, seal and inner: a call that inner alone allows can
// never be made, and would make the list lie.
func TestInnerIsWithinOuter(t *testing.T) {
	t.Parallel()
	for _, a := range everyAbility {
		given := func(name string) bool {
			return slices.ContainsFunc(a.outer(), func(o rule) bool { return o.name == name })
		}
		for _, r := range a.inner() {
			if !given(r.name) {
				t.Errorf("%+v: inner has %s, outer does not", a, r.name)
			}
		}
		for _, r := range a.seal() {
			if !given(r.name) {
				t.Errorf("%+v: seal takes %s away, which outer does not give", a, r.name)
			}
		}
	}
}

// The calls that no list may ever give: each was, or would be, a way out.
func TestNeverGiven(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"execveat", "vfork", "clone3", "ptrace", "process_vm_readv", "process_vm_writev", "mount", "umount2", "unshare", "setns",
		"socket", "connect", "bind", "listen", "accept", "accept4", "setsockopt", "bpf", "perf_event_open", "mknod", "mknodat",
		"chmod", "fchmodat", "chown", "fchown", "fchownat", "setxattr", "lsetxattr", "fsetxattr", "chroot", "pivot_root", "flock", "sendfile", "splice",
		"userfaultfd", "io_uring_setup", "io_uring_enter", "keyctl", "add_key", "request_key", "memfd_create", "memfd_secret",
		"shmget", "mq_open", "timer_create", "inotify_init1", "fanotify_init", "pidfd_getfd", "pidfd_send_signal",
		"process_madvise", "openat2", "name_to_handle_at", "open_by_handle_at", "personality", "modify_ldt",
		"tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "setuid", "setresuid", "capset", "mlock", "mlockall",
	} {
		for list, rules := range everyList() {
			if !strings.HasPrefix(list, "seal") && slices.ContainsFunc(rules, func(r rule) bool { return r.name == name }) {
				t.Errorf("%s gives %s", list, name)
			}
		}
	}
	never := []string{"prctl", "setpriority", "prlimit64", "seccomp", "sendmsg", "recvmsg", "execve", "landlock_add_rule", "landlock_restrict_self"}
	for _, a := range everyAbility {
		for _, name := range never {
			if slices.ContainsFunc(a.inner(), func(r rule) bool { return r.name == name }) {
				t.Errorf("inner with %+v gives %s", a, name)
			}
		}
	}
	for _, name := range []string{"clone", "openat", "ioctl", "sendto", "socketpair", "landlock_add_rule"} {
		if slices.ContainsFunc(inner, func(r rule) bool { return r.name == name }) {
			t.Errorf("inner gives %s", name)
		}
	}
}
