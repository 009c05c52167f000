package sandbox

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMinimalProfile(t *testing.T) {
	p, err := LoadProfile("minimal")
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "minimal" || p.Description == "" {
		t.Errorf("name %q, description %q", p.Name, p.Description)
	}
	if want := (ProfileLimits{Memory: 512, LeastMemory: MinMemory, MemoryKind: MemoryAddressSpace, MaxTimeout: 30 * time.Second, DefaultTimeout: 10 * time.Second}); p.Limits != want {
		t.Errorf("limits %+v, want %+v", p.Limits, want)
	}
	if want := (ZygoteLimits{MaxRuns: 10_000, MaxAge: 10 * time.Minute}); p.Zygote != want {
		t.Errorf("zygote %+v, want %+v", p.Zygote, want)
	}
	scan, audit := p.Policy.ASTScan, p.Policy.BlocklistAudit
	if scan.Mode != ModeEnforce || audit.Mode != ModeEnforce || len(audit.Entries) != 0 {
		t.Errorf("modes %q and %q, %d entries", scan.Mode, audit.Mode, len(audit.Entries))
	}
	for _, list := range []struct {
		name      string
		got, want []string
	}{
		{"imports", p.Imports, strings.Fields(`math statistics itertools functools re datetime collections json csv
			string textwrap decimal fractions random operator typing`)},
		{"names", scan.Names, strings.Fields("eval exec compile __import__ open input breakpoint globals locals")},
		{"attributes", scan.Attributes, strings.Fields(`__subclasses__ __globals__ __builtins__ __bases__ __mro__ __code__
			__closure__ __loader__ __spec__ __traceback__ f_globals f_locals f_builtins f_code gi_frame gi_code cr_frame
			cr_code ag_frame ag_code tb_frame`)},
		{"env", p.Env, nil},
		{"require", p.Require, strings.Fields("capabilities no_new_privs seccomp rlimits non_dumpable memory_line")},
	} {
		if !slices.Equal(list.got, list.want) {
			t.Errorf("%s: %q, want %q", list.name, list.got, list.want)
		}
	}
}

func TestEmbeddedProfilesCarryTheNameOfTheirFile(t *testing.T) {
	names := embeddedProfileNames()
	if len(names) == 0 {
		t.Fatal("no profile is embedded")
	}
	for _, name := range names {
		p, err := LoadProfile(name)
		if err != nil {
			t.Error(err)
		} else if p.Name != name {
			t.Errorf("profiles/%s.yaml says its name is %q", name, p.Name)
		}
	}
}

// validProfile is the smallest valid profile; tests break one line of it.
const validProfile = `name: tiny
description: A profile for tests.
limits:
  memory_mib: 128
  max_timeout: 5s
  default_timeout: 2s
  memory_kind: data
  least_memory_mib: 64
zygote:
  max_runs: 10
  max_age: 1m
imports: [math]
policy:
  ast_scan:
    mode: enforce
    names: [eval]
    attributes: []
  blocklist_audit:
    mode: observe
    entries:
      - module: numpy.random
        attribute: seed
require: []
env: [DEBUG, "APP_*"]
preload: [os.path]
packages: true
workspace_mib: 16
read: [/usr/share/zoneinfo]
threads: 4
figures: true
`

func TestParseProfile(t *testing.T) {
	p, err := parseProfile("tiny.yaml", []byte(validProfile), nil)
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "tiny" || p.Limits.Memory != 128 || p.Zygote.MaxAge != time.Minute {
		t.Errorf("%+v", p)
	}
	if got, want := p.Policy.BlocklistAudit.Entries, []BlocklistEntry{{"numpy.random", "seed"}}; !slices.Equal(got, want) {
		t.Errorf("entries %v, want %v", got, want)
	}
	for name, want := range map[string]bool{"DEBUG": true, "APP_": true, "APP_NAME": true, "debug": false, "DEBUGGER": false, "MY_APP_NAME": false, "": false} {
		if p.AllowsEnv(name) != want {
			t.Errorf("%q may be set: %t", name, !want)
		}
	}
	if p.Require == nil || p.Policy.ASTScan.Attributes == nil {
		t.Error("an empty list became nil: its JSON would be null")
	}
}

func TestParseProfileRefuses(t *testing.T) {
	for _, tt := range []struct {
		name     string
		old, new string // one edit of validProfile
		want     string // in the error
	}{
		{"unknown key", "require: []", "require: []\nrequires: []", `p.yaml:24:1: unknown key "requires" in the profile`},
		{"unknown nested key", "  max_age: 1m", "  max_age: 1m\n  max_uses: 3", `p.yaml:12:3: unknown key "max_uses" in zygote`},
		{"unknown key in an entry", "attribute: seed", "attribute: seed\n        why: x", `p.yaml:23:9: unknown key "why" in policy.blocklist_audit.entries[0]`},
		{"key that is a number", "require: []", "require: []\n1: 2", `p.yaml:24:1: unknown key "1"`},
		{"key that is null", "require: []", "require: []\n~: 2", `p.yaml:24:1: unknown key null`},
		{"duplicate key", "require: []", "require: []\nname: other", "p.yaml:24:1: mapping key \"name\" already defined"},
		{"duplicate nested key", "  max_age: 1m", "  max_age: 1m\n  max_runs: 3", "p.yaml:12:3: mapping key \"max_runs\" already defined"},
		{"missing key", "require: []\n", "", "require is missing"},
		{"missing nested key", "  memory_mib: 128\n", "", "limits.memory_mib is missing"},
		{"key in capitals", "name: tiny", "Name: tiny", `p.yaml:1:1: unknown key "Name"`},
		{"section that is a scalar", "imports: [math]\npolicy:", "imports: [math]\npolicy: 3\nx:", "p.yaml:13:9: policy: want a mapping, not \"3\""},
		{"section that is empty", "zygote:\n  max_runs: 10\n  max_age: 1m", "zygote:", "zygote: want a mapping, not null"},

		{"name with a slash", "name: tiny", "name: a/b", "p.yaml:1:7: name: want a name"},
		{"name that is a number", "name: tiny", "name: 5", "p.yaml:1:7: name: want a name"},
		{"name that is a boolean", "name: tiny", "name: true", "p.yaml:1:7: name: want a name"},
		{"name with a newline", "name: tiny", `name: "a\n"`, "p.yaml:1:7: name: want a name"},
		{"empty description", "description: A profile for tests.", "description: ''", "p.yaml:2:14: description: want one line"},
		{"control character", "description: A profile for tests.", `description: "a\eb"`, "p.yaml:2:14: description: want one line"},

		{"memory below the least", "memory_mib: 128", "memory_mib: 63", "p.yaml:4:15: limits.memory_mib: want a whole number from 64 to 65536, not \"63\""},
		{"memory above the most", "memory_mib: 128", "memory_mib: 65537", "p.yaml:4:15: limits.memory_mib: want"},
		{"memory below zero", "memory_mib: 128", "memory_mib: -128", "p.yaml:4:15: limits.memory_mib: want"},
		{"memory with a fraction", "memory_mib: 128", "memory_mib: 128.5", "p.yaml:4:15: limits.memory_mib: want"},
		{"memory as a string", "memory_mib: 128", `memory_mib: "128"`, "p.yaml:4:15: limits.memory_mib: want"},
		{"memory beyond int64", "memory_mib: 128", "memory_mib: 99999999999999999999", "p.yaml:4:15: limits.memory_mib: want"},
		{"memory null", "memory_mib: 128", "memory_mib:", "limits.memory_mib: want"},
		{"time-out of zero", "max_timeout: 5s", "max_timeout: 0s", "p.yaml:5:16: limits.max_timeout: want a duration"},
		{"time-out below zero", "max_timeout: 5s", "max_timeout: -5s", "p.yaml:5:16: limits.max_timeout: want a duration"},
		{"time-out without a unit", "max_timeout: 5s", "max_timeout: 5", "p.yaml:5:16: limits.max_timeout: want a duration with its unit from 1ms to 1h0m0s, not \"5\""},
		{"time-out above an hour", "max_timeout: 5s", "max_timeout: 61m", "p.yaml:5:16: limits.max_timeout: want a duration"},
		{"default above the maximum", "default_timeout: 2s", "default_timeout: 6s", "p.yaml:6:20: limits.default_timeout: want a duration with its unit from 1ms to 5s, not \"6s\""},
		{"no runs", "max_runs: 10", "max_runs: 0", "p.yaml:10:13: zygote.max_runs: want a whole number from 1 to 1000000"},
		{"no age", "max_age: 1m", "max_age: 10ms", "p.yaml:11:12: zygote.max_age: want a duration"},

		{"import with a dot", "imports: [math]", "imports: [os.path]", "p.yaml:12:11: imports[0]: want a Python identifier"},
		{"import twice", "imports: [math]", "imports: [math, json, math]", `p.yaml:12:23: imports[2]: "math" is listed twice`},
		{"import that is null", "imports: [math]", "imports: [math, ~]", "p.yaml:12:17: imports[1]: want a Python identifier"},
		{"import that is a boolean", "imports: [math]", "imports: [true]", "p.yaml:12:11: imports[0]: want a Python identifier"},
		{"imports that are a string", "imports: [math]", "imports: math", "p.yaml:12:10: imports: want a list"},
		{"imports that are null", "imports: [math]", "imports:", "imports: want a list ([] if there is nothing to list)"},
		{"variable with a dash", "[DEBUG,", "[MY-DEBUG,", "p.yaml:24:7: env[0]: want the name of an environment variable"},
		{"variable with a star within", "[DEBUG,", "['D*G',", "p.yaml:24:7: env[0]: want the name"},
		{"variable twice", "[DEBUG,", "[DEBUG, DEBUG,", `p.yaml:24:14: env[1]: "DEBUG" is listed twice`},
		{"name with a letter beyond ASCII", "names: [eval]", "names: [ﬁle]", "p.yaml:16:13: policy.ast_scan.names[0]: want a Python identifier"},
		{"mode", "mode: enforce", "mode: warn", `p.yaml:15:11: policy.ast_scan.mode: want one of enforce, observe, not "warn"`},
		{"mode in capitals", "mode: observe", "mode: Observe", "p.yaml:19:11: policy.blocklist_audit.mode: want one of"},
		{"entry module", "module: numpy.random", "module: numpy..random", "p.yaml:21:17: policy.blocklist_audit.entries[0].module: want a module's dotted name"},
		{"entry attribute with a dot", "attribute: seed", "attribute: a.b", "p.yaml:22:20: policy.blocklist_audit.entries[0].attribute: want a Python identifier"},
		{"entry that is a string", "      - module: numpy.random\n        attribute: seed", "      - numpy.load", "p.yaml:21:9: policy.blocklist_audit.entries[0]: want a mapping"},
		{"entry twice", "attribute: seed", "attribute: seed\n      - {module: numpy.random, attribute: seed}", "entries[1]: numpy.random.seed is listed twice"},
		{"unknown layer", "require: []", "require: [seccomp, chroot]", `p.yaml:23:20: require[1]: want one of uid, capabilities`},
		{"layer twice", "require: []", "require: [seccomp, seccomp]", `p.yaml:23:20: require[1]: "seccomp" is listed twice`},

		{"syntax", "imports: [math]", "imports: [math", "p.yaml:"},
		{"tab", "  memory_mib: 128", "\tmemory_mib: 128", "p.yaml:"},
		{"anchor", "imports: [math]", "imports: &a [math]", "p.yaml:12:10: \"&\": anchors"},
		{"alias", "imports: [math]", "imports: [*a]", "p.yaml:12:11: \"*\": anchors"},
		{"tag", "imports: [math]", "imports: !!seq [math]", "p.yaml:12:10: \"!!seq\": anchors"},
		{"merge", "require: []", "require: []\n<<: {}", "p.yaml:24:1: \"<<\": anchors"},
		{"complex key", "require: []", "? require\n: []", "p.yaml:23:1: \"?\": anchors"},
		{"directive", "name: tiny", "%YAML 1.2\n---\nname: tiny", "p.yaml:1:1: \"%\": anchors"},
		{"second document", "require: []", "require: []\n---\nname: x", "want one document, not 2"},
		{"flow nested too deep", "imports: [math]", "imports: " + strings.Repeat("[", 100_000), "p.yaml:12:18: nested more than 8 deep"},
		{"dashes nested too deep", "require: []", "require:\n" + strings.Repeat("- ", 100_000), "p.yaml:24:17: nested more than 8 deep"},
		{"not UTF-8", "A profile", "A \xff profile", "p.yaml:1:1: not valid UTF-8"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if strings.Count(validProfile, tt.old) != 1 {
				t.Fatalf("%q is not in validProfile once", tt.old)
			}
			p, err := parseProfile("p.yaml", []byte(strings.Replace(validProfile, tt.old, tt.new, 1)), LoadProfile)
			if err == nil {
				t.Fatalf("accepted as %+v", p)
			}
			if p != nil {
				t.Error("a profile came with the error")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q\ndoes not contain %q", err, tt.want)
			}
		})
	}
}

func TestParseProfileNamesEveryMistake(t *testing.T) {
	text := strings.NewReplacer("128", "1", "5s", "0s", "[math]", "[1]").Replace(validProfile)
	_, err := parseProfile("p.yaml", []byte(text), nil)
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"p.yaml:4:15:", "p.yaml:5:16:", "p.yaml:12:11:"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q\ndoes not contain %q", err, want)
		}
	}
}

func TestParseProfileBoundsItsMistakes(t *testing.T) {
	text := strings.Replace(validProfile, "[math]", "["+strings.Repeat("1, ", 1000)+"1]", 1)
	_, err := parseProfile("p.yaml", []byte(text), nil)
	if err == nil {
		t.Fatal("accepted")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != maxMistakes+1 || lines[maxMistakes] != "and 981 more" {
		t.Errorf("%d lines, the last is %q", len(lines), lines[len(lines)-1])
	}
}

func TestParseProfileOfNothing(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "---\n", "[]", "5", "null"} {
		if p, err := parseProfile("p.yaml", []byte(text), nil); err == nil {
			t.Errorf("%q: accepted as %+v", text, p)
		} else if strings.Contains(err.Error(), "missing") {
			t.Errorf("%q: error %q complains of more than its cause", text, err)
		}
	}
}

// embeddedOnly is a base for profiles from anywhere.
func embeddedOnly(name string) (*Profile, error) {
	if isProfilePath(name) {
		return nil, errors.New("no file here")
	}
	return LoadProfile(name)
}

// FuzzParseProfile: whatever the text, the parser answers, and a profile that it
// returns is within every bound that Profile promises.
func FuzzParseProfile(f *testing.F) {
	f.Add([]byte(validProfile))
	minimal, err := embeddedProfiles.ReadFile("profiles/minimal.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(minimal)
	f.Add([]byte("extends: minimal\nname: x\nlimits: {max_timeout: 1m}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := parseProfile("fuzz.yaml", data, embeddedOnly)
		if (p == nil) == (err == nil) {
			t.Fatalf("profile %v with error %v", p, err)
		}
		if p == nil {
			return
		}
		l := p.Limits
		if l.Memory < MinMemory || l.Memory > maxMemory || l.MaxTimeout <= 0 || l.MaxTimeout > time.Hour ||
			l.DefaultTimeout <= 0 || l.DefaultTimeout > l.MaxTimeout {
			t.Errorf("limits %+v", l)
		}
		if z := p.Zygote; z.MaxRuns < 1 || z.MaxAge < time.Second {
			t.Errorf("zygote %+v", z)
		}
		for _, m := range []Mode{p.Policy.ASTScan.Mode, p.Policy.BlocklistAudit.Mode} {
			if m != ModeEnforce && m != ModeObserve {
				t.Errorf("mode %q", m)
			}
		}
		if l.LeastMemory < MinMemory || l.LeastMemory > l.Memory || l.MemoryKind != MemoryData && l.MemoryKind != MemoryAddressSpace {
			t.Errorf("limits %+v", l)
		}
		if p.Workspace < 0 || p.Workspace > MaxWorkspace || p.Threads < 0 || p.Threads > MaxThreads || p.Workspace == 0 && (p.Figures || len(p.Read) > 0) {
			t.Errorf("%+v", p)
		}
		for _, path := range p.Read {
			if filepath.Clean(path) != path || !filepath.IsAbs(path) {
				t.Errorf("read %q", path)
			}
		}
		for _, list := range [][]string{p.Preload, p.Read, p.Imports, p.Policy.ASTScan.Names, p.Policy.ASTScan.Attributes, p.Require, p.Env} {
			slices.Sort(list)
			if len(slices.Compact(list)) != len(list) || slices.Contains(list, "") {
				t.Errorf("list %q", list)
			}
		}
	})
}
