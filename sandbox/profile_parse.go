package sandbox

import (
	"time"

	"github.com/goccy/go-yaml/ast"
)

// What the strings of a profile may look like. ASCII only: Python normalises
// identifiers (NFKC), so that two spellings could mean one name.
var (
	profileName = like(`[a-z][a-z0-9_-]{0,63}`, "a name: a-z, 0-9, _ and -, at most 64")
	oneLine     = like(`[^\pC\p{Zl}\p{Zp}]{1,500}`, "one line of 1 to 500 characters")
	importable  = like(`[A-Za-z_][A-Za-z0-9_]{0,99}|\*`, "a Python identifier (ASCII, at most 100), or * for any")
	identifier  = like(`[A-Za-z_][A-Za-z0-9_]{0,99}`, "a Python identifier (ASCII, at most 100)")
	dottedName  = like(`[A-Za-z_][A-Za-z0-9_]{0,99}(\.[A-Za-z_][A-Za-z0-9_]{0,99}){0,7}`, "a module's dotted name")
	variable    = like(`[A-Za-z_][A-Za-z0-9_]{0,99}\*?|\*`, "the name of an environment variable (ASCII, at most 100), or its beginning and a *")
	anyText     = like(`[^\pC]{1,1000}`, "a profile's name, or the path of its file")
	memoryKind  = oneOf(string(MemoryAddressSpace), string(MemoryData))
	// Clean, and not a folder that has more in it than files to read.
	absolutePath = like(`/(bin|etc|lib|lib64|opt|srv|usr|var|home|data)(/[A-Za-z0-9][A-Za-z0-9._+-]*)+`, "the absolute path of a file or folder in /usr, /etc, /opt, /srv, /var, /home, /data, /lib or /bin, without . or ..")
	mode         = oneOf(string(ModeEnforce), string(ModeObserve))
	layerName    = oneOf(layerNames...)
)

// layerNames are the isolation layers that a profile may require: every
// Layer.Name that Sandbox.Layers can report.
var layerNames = []string{
	"uid", "capabilities", "no_new_privs", "landlock", "landlock_scope", "seccomp", "rlimits", "non_dumpable",
	"namespace_user", "namespace_pid", "namespace_net", "namespace_ipc", "namespace_uts", "namespace_mount",
	"memory_line",
}

// maxMemory is the highest ceiling that a profile may give one run.
const maxMemory MiB = 65536

// parseProfile reads a profile from YAML. file is only for messages; base loads the
// profile that this one extends. On error it returns no profile, and an error that
// names every mistake.
func parseProfile(file string, data []byte, base func(name string) (*Profile, error)) (*Profile, error) {
	doc := &yamlDoc{file: file}
	root := doc.parse(data)
	p := Profile{}
	if extends, ok := root.fields["extends"]; ok {
		p = extended(root, extends, base)
	}
	p.Name = root.text("name", profileName, "")
	if p.Name == "" && doc.inherits && !root.broken && len(doc.mistakes) == 0 {
		doc.fail(root.at, "name is missing: a profile that extends another has its own")
	}
	p.Description = root.text("description", oneLine, p.Description)

	limits := root.section("limits")
	p.Limits.Memory = MiB(limits.integer("memory_mib", int64(MinMemory), int64(maxMemory), int64(p.Limits.Memory)))
	p.Limits.MaxTimeout = limits.duration("max_timeout", time.Millisecond, time.Hour, p.Limits.MaxTimeout)
	p.Limits.DefaultTimeout = limits.duration("default_timeout", time.Millisecond, max(p.Limits.MaxTimeout, time.Millisecond), p.Limits.DefaultTimeout)
	if len(doc.mistakes) == 0 && p.Limits.DefaultTimeout > p.Limits.MaxTimeout { // it was inherited
		doc.fail(limits.at, "limits.max_timeout: %v is less than the default_timeout of %v that is inherited: give both", p.Limits.MaxTimeout, p.Limits.DefaultTimeout)
	}
	p.Limits.LeastMemory = MiB(limits.integer("least_memory_mib", int64(MinMemory), int64(max(p.Limits.Memory, MinMemory)), int64(p.Limits.LeastMemory)))
	p.Limits.MemoryKind = MemoryKind(limits.text("memory_kind", memoryKind, string(p.Limits.MemoryKind)))
	if len(doc.mistakes) == 0 && p.Limits.LeastMemory > p.Limits.Memory { // it was inherited
		doc.fail(limits.at, "limits.memory_mib: %d is less than the least_memory_mib of %d that is inherited: give both", p.Limits.Memory, p.Limits.LeastMemory)
	}
	limits.end()

	zygote := root.section("zygote")
	p.Zygote.MaxRuns = int(zygote.integer("max_runs", 1, 1_000_000, int64(p.Zygote.MaxRuns)))
	p.Zygote.MaxAge = zygote.duration("max_age", time.Second, 24*time.Hour, p.Zygote.MaxAge)
	zygote.end()

	p.Imports = root.list("imports", importable, p.Imports)
	p.Preload = root.list("preload", dottedName, p.Preload)
	p.Packages = root.boolean("packages", p.Packages)
	p.Workspace = MiB(root.integer("workspace_mib", 0, int64(MaxWorkspace), int64(p.Workspace)))
	p.Read = root.list("read", absolutePath, p.Read)
	p.Threads = int(root.integer("threads", 0, MaxThreads, int64(p.Threads)))
	p.Figures = root.boolean("figures", p.Figures)
	if len(doc.mistakes) == 0 && p.Workspace == 0 && (p.Figures || len(p.Read) > 0) {
		doc.fail(root.at, "figures and read need a workspace: give workspace_mib, or figures: false and read: []")
	}
	p.Env = root.list("env", variable, p.Env)

	policy := root.section("policy")
	scan := policy.section("ast_scan")
	p.Policy.ASTScan = ASTScan{
		Mode:       Mode(scan.text("mode", mode, string(p.Policy.ASTScan.Mode))),
		Names:      scan.list("names", identifier, p.Policy.ASTScan.Names),
		Attributes: scan.list("attributes", identifier, p.Policy.ASTScan.Attributes),
	}
	scan.end()
	audit := policy.section("blocklist_audit")
	p.Policy.BlocklistAudit = BlocklistAudit{
		Mode:    Mode(audit.text("mode", mode, string(p.Policy.BlocklistAudit.Mode))),
		Entries: audit.entries("entries", p.Policy.BlocklistAudit.Entries),
	}
	audit.end()
	policy.end()

	p.Require = root.list("require", layerName, p.Require)
	root.end()
	if err := doc.err(); err != nil {
		return nil, err
	}
	return &p, nil
}

// extended returns the profile that a document begins with, whose keys may then be left
// out; lists and the like are replaced whole.
func extended(root yamlSection, node ast.Node, base func(name string) (*Profile, error)) Profile {
	delete(root.fields, "extends")
	f := yamlField{doc: root.doc, path: "extends", node: node}
	name, ok := f.text(anyText)
	if !ok {
		return Profile{}
	}
	root.doc.inherits = true
	from, err := base(name)
	if err != nil {
		f.fail("%v", err)
		return Profile{}
	}
	return *from
}

// entries reads a list of {module, attribute}.
func (s yamlSection) entries(key string, other []BlocklistEntry) []BlocklistEntry {
	items, given := s.items(key)
	if !given {
		return other
	}
	entries := make([]BlocklistEntry, 0, len(items))
	seen := make(map[BlocklistEntry]bool, len(items))
	for _, item := range items {
		fields := item.section()
		entry := BlocklistEntry{
			Module:    fields.text("module", dottedName, ""),
			Attribute: fields.text("attribute", identifier, ""),
		}
		fields.end()
		if seen[entry] {
			item.fail("%s.%s is listed twice", entry.Module, entry.Attribute)
		}
		seen[entry] = true
		entries = append(entries, entry)
	}
	return entries
}
