package sandbox

import (
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"codecell/sandbox/internal/launch"

	"golang.org/x/sys/unix"
)

//go:embed zygote/boot.py
var bootSource string

//go:embed zygote/zygote.py
var zygoteSource string

//go:embed zygote/kernel.py
var kernelSource string

//go:embed zygote/jail.py
var jailSource string

//go:embed zygote/run.py
var runSource string

//go:embed zygote/policy.py
var policySource string

//go:embed zygote/workplace.py
var workplaceSource string

//go:embed zygote/pages.py
var pagesSource string

//go:embed zygote/semlock.py
var semlockSource string

//go:embed zygote/library.py
var librarySource string

// warm sends a launch its Spec and the zygote its configuration, waits for the
// hello, and looks from outside whether the jail is closed.
func (z *zygote) warm(p plan, find finder, prof *Profile, slots int) error {
	py, err := find()
	if err != nil {
		return err
	}
	mounts, folder, err := p.workspaceSpec(prof, py, slots)
	if err != nil {
		return err
	}
	scratch, err := z.openWorkspaces(p, mounts, folder)
	if err != nil {
		return err
	}
	spec, err := json.Marshal(launch.Spec{
		Path: py.Path, Args: []string{py.Path, "-I", "-S", "-B", "-X", "utf8", "-c", bootSource}, Env: runtimeEnv(prof, scratch),
		SelfMap: p.has(unix.CLONE_NEWUSER) && !p.drop, NewUTS: p.has(unix.CLONE_NEWUTS),
		Drop: p.drop, UID: p.uid, GID: p.gid,
		LandlockABI: p.landlockABI, Read: py.ReadOnlyPaths, Exec: py.Exec,
		Write: workFolders(folder), Workspaces: mounts,
		Processes: p.processes(slots, prof.Threads), Files: uint64(64 + 8*slots),
		NoHangup: p.gVisor,
	})
	if err != nil {
		return &SetupError{"spec", err}
	}
	if err := z.conn.SetDeadline(time.Now().Add(warmTimeout)); err != nil {
		return &SetupError{"warm", err}
	}
	_, unsent := z.conn.Write(spec)
	config, err := zygoteConfig(p, prof, py, slots) // while the launch enters its jail
	if err != nil {
		return err
	}
	if unsent == nil { // else it has ended; what it said of that is still to be read
		_, unsent = z.conn.Write(config)
	}
	if err := z.hear(unsent); err != nil {
		return err
	}
	if err := z.workspaces.empty(); err != nil {
		return &SetupError{"workspace", err}
	}
	if err := z.conn.SetDeadline(time.Time{}); err != nil {
		return &SetupError{"warm", err}
	}
	return verify(z.pid, p)
}

// hear waits for the zygote's hello, and takes the folders and the listener that its
// launch sends before.
// unsent is why something could not be told to it, or nil.
func (z *zygote) hear(unsent error) error {
	buf, oob := make([]byte, maxReport), make([]byte, unix.CmsgSpace(4))
	for {
		n, oobn, _, _, err := z.conn.ReadMsgUnix(buf, oob)
		if errors.Is(err, unix.ECONNRESET) { // it left something unread; what it said comes after this
			n, oobn, _, _, err = z.conn.ReadMsgUnix(buf, oob)
		}
		if err == nil && n == 0 {
			err = io.EOF
		}
		if err != nil {
			return &SetupError{"warm", fmt.Errorf("no hello from the interpreter: %w", errors.Join(unsent, err))}
		}
		fd, err := receivedFD(oob[:oobn])
		if err != nil {
			return &SetupError{"warm", err}
		}
		listens := buf[0] == tagListens
		switch {
		case fd >= 0 && listens:
			if err := z.answerDenied(fd); err != nil {
				return &SetupError{"seccomp", err}
			}
		case fd >= 0:
			if err := z.workspaces.add(fd); err != nil {
				return &SetupError{"workspace", err}
			}
		}
		switch r, err := parseReport(buf[:n]); {
		case err != nil:
			return &SetupError{"warm", err}
		case fd >= 0 && (listens || r.tag == tagFolder):
			continue
		case r.tag == tagLost && r.failure.Step == "workspace":
			return &SetupError{r.failure.Step, fmt.Errorf("%s: a workspace can't be mounted here, though there is a mount namespace. %s", r.failure.Error, volumeAdvice)}
		case r.tag == tagLost:
			return &SetupError{r.failure.Step, errors.New(r.failure.Error)}
		case r.tag != tagHello || fd >= 0:
			return &SetupError{"warm", fmt.Errorf("unexpected message %q", r.tag)}
		}
		return nil
	}
}

// runtimeEnv is the interpreter's whole environment. No locale, whose tables would
// be mapped (it speaks UTF-8 by -X utf8); one malloc arena, because there is one
// thread at first; the time zone is the server's, read before the jail closes. What
// packages do in threads of their own they do in one, the zygote's: a forked run would
// find the others gone. While they are imported they may write to scratch.
func runtimeEnv(prof *Profile, scratch string) []string {
	tz, ok := os.LookupEnv("TZ") //nolint:forbidigo // the runtime's own variable, passed on as it is
	if !ok {
		tz = "UTC"
	}
	env := []string{"LC_ALL=C", "MALLOC_ARENA_MAX=1", "TZ=" + tz}
	if scratch != "" {
		env = append(env, "HOME="+scratch, "TMPDIR="+scratch)
	}
	if prof.Packages {
		env = append(env, "OPENBLAS_NUM_THREADS=1", "OMP_NUM_THREADS=1", "MKL_NUM_THREADS=1", "NUMEXPR_MAX_THREADS=1", "MPLBACKEND=agg", "MPLCONFIGDIR="+scratch)
	}
	return env
}

func zygoteConfig(p plan, prof *Profile, py Interpreter, slots int) ([]byte, error) {
	filters, err := launch.NewFilters(p.abilities(prof))
	if err != nil {
		return nil, &SetupError{"seccomp", err}
	}
	ruleset := ""
	if p.landlockABI > 0 {
		ruleset = hex.EncodeToString(launch.Ruleset(p.landlockABI))
	}
	config, err := json.Marshal(map[string]any{
		"sources": map[string]string{"zygote": zygoteSource, "kernel": kernelSource, "jail": jailSource, "run": runSource, "policy": policySource, "library": librarySource, "workplace": workplaceSource, "semlock": semlockSource, "pages": pagesSource},
		"modules": slices.Concat(named(prof.Imports), preload, prof.Preload),
		"files":   filesConfig(prof, py), "threads": prof.Threads > 0, "figures": prof.Figures,
		"processes": p.runProcesses(slots, prof.Threads),
		"memory":    prof.Limits.MemoryKind,
		"late":      late,
		"policy": map[string]any{
			"imports": prof.Imports, "ast_scan": prof.Policy.ASTScan, "blocklist_audit": prof.Policy.BlocklistAudit,
		},
		"seal": hex.EncodeToString(filters.Seal), "inner": hex.EncodeToString(filters.Inner),
		"pid_offsets": filters.Inner.PIDOffsets(), "ruleset": ruleset,
		"calls": map[string]int{
			"prctl": unix.SYS_PRCTL, "seccomp": unix.SYS_SECCOMP, "set_robust_list": unix.SYS_SET_ROBUST_LIST, "mmap": unix.SYS_MMAP, "madvise": unix.SYS_MADVISE, "clone": unix.SYS_CLONE,
			"landlock_create_ruleset": unix.SYS_LANDLOCK_CREATE_RULESET,
			"landlock_add_rule":       unix.SYS_LANDLOCK_ADD_RULE,
			"landlock_restrict_self":  unix.SYS_LANDLOCK_RESTRICT_SELF,
		},
	})
	if err != nil {
		return nil, &SetupError{"config", err}
	}
	return config, nil
}

// filesConfig is what a run with a workspace may reach; nil for one without.
func filesConfig(prof *Profile, py Interpreter) map[string]any {
	if prof.Workspace == 0 {
		return nil
	}
	return map[string]any{
		"read": py.ReadOnlyPaths, "read_access": launch.ReadAccess(), "work_access": launch.WorkAccess(),
		"null_access": launch.NullAccess(), "packages": py.Packages,
		// A file may fill the workspace, so that it is its size that a program meets.
		"size": prof.Workspace.Bytes() + 1<<20,
	}
}

// named are the imports that name a module.
func named(imports []string) []string {
	return slices.DeleteFunc(slices.Clone(imports), func(name string) bool { return name == "*" })
}

// preload is what allowed modules import only when first used (Counter.most_common
// its heapq, strptime its calendar) and most programs do use, and what is written
// in C: nothing executable can be mapped later.
var preload = []string{
	"linecache", "tokenize", "traceback", "_strptime", "calendar", "locale", "unicodedata", "heapq", "weakref", "copy",
	"encodings.ascii", "encodings.latin_1",
	"_bz2", "zlib", "_multibytecodec", "_codecs_cn", "_codecs_hk", "_codecs_iso2022", "_codecs_jp", "_codecs_kr", "_codecs_tw",
}

// late is what a run may still import, from the library: every codec, and what
// they and the modules beneath the allowed ones (json.tool) need.
var late = []string{
	"encodings.*", "stringprep", "quopri", "base64", "bz2", "_compression", "compression", "compression._common._streams",
	"json.tool", "argparse", "gettext", "pathlib", "fnmatch", "ntpath", "urllib", "urllib.parse", "ipaddress",
}
