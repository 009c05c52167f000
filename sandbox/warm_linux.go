package sandbox

import (
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
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

//go:embed zygote/library.py
var librarySource string

// warm sends a launch its Spec and the zygote its configuration, waits for the
// hello, and looks from outside whether the jail is closed.
func (z *zygote) warm(p plan, find finder, prof *Profile, slots int) error {
	py, err := find()
	if err != nil {
		return err
	}
	spec, err := json.Marshal(launch.Spec{
		Path: py.Path, Args: []string{py.Path, "-I", "-S", "-B", "-X", "utf8", "-c", bootSource}, Env: runtimeEnv(),
		SelfMap: p.has(unix.CLONE_NEWUSER) && !p.drop, NewUTS: p.has(unix.CLONE_NEWUTS),
		Drop: p.drop, UID: p.uid, GID: p.gid,
		LandlockABI: p.landlockABI, Read: py.ReadOnlyPaths, Exec: py.Exec,
		Processes: p.processes(slots), Files: uint64(64 + 8*slots),
		NoHangup: p.gVisor,
	})
	if err != nil {
		return &SetupError{"spec", err}
	}
	if err := z.conn.SetDeadline(time.Now().Add(warmTimeout)); err != nil {
		return &SetupError{"warm", err}
	}
	_, unsent := z.conn.Write(spec)
	config, err := zygoteConfig(p, prof) // while the launch enters its jail
	if err != nil {
		return err
	}
	if unsent == nil { // else it has ended; what it said of that is still to be read
		_, unsent = z.conn.Write(config)
	}
	buf := make([]byte, maxReport)
	n, err := z.conn.Read(buf)
	if errors.Is(err, unix.ECONNRESET) { // it left something unread; what it said comes after this
		n, err = z.conn.Read(buf)
	}
	if err != nil {
		return &SetupError{"warm", fmt.Errorf("no hello from the interpreter: %w", errors.Join(unsent, err))}
	}
	switch r, err := parseReport(buf[:n]); {
	case err != nil:
		return &SetupError{"warm", err}
	case r.tag == tagLost:
		return &SetupError{r.failure.Step, errors.New(r.failure.Error)}
	case r.tag != tagHello:
		return &SetupError{"warm", fmt.Errorf("unexpected message %q", r.tag)}
	}
	if err := z.conn.SetDeadline(time.Time{}); err != nil {
		return &SetupError{"warm", err}
	}
	return verify(z.pid, p)
}

// runtimeEnv is the interpreter's whole environment. No locale, whose tables would
// be mapped (it speaks UTF-8 by -X utf8); one malloc arena, because there is one
// thread; the time zone is the server's, read before the jail closes.
func runtimeEnv() []string {
	tz, ok := os.LookupEnv("TZ") //nolint:forbidigo // the runtime's own variable, passed on as it is
	if !ok {
		tz = "UTC"
	}
	return []string{"LC_ALL=C", "MALLOC_ARENA_MAX=1", "TZ=" + tz}
}

func zygoteConfig(p plan, prof *Profile) ([]byte, error) {
	filters, err := launch.NewFilters()
	if err != nil {
		return nil, &SetupError{"seccomp", err}
	}
	ruleset := ""
	if p.landlockABI > 0 {
		ruleset = hex.EncodeToString(launch.Ruleset(p.landlockABI))
	}
	config, err := json.Marshal(map[string]any{
		"sources": map[string]string{"zygote": zygoteSource, "kernel": kernelSource, "jail": jailSource, "run": runSource, "policy": policySource, "library": librarySource},
		"modules": append(append([]string{}, prof.Imports...), preload...),
		"late":    late,
		"policy": map[string]any{
			"imports": prof.Imports, "ast_scan": prof.Policy.ASTScan, "blocklist_audit": prof.Policy.BlocklistAudit,
		},
		"seal": hex.EncodeToString(filters.Seal), "inner": hex.EncodeToString(filters.Inner),
		"pid_offsets": filters.Inner.PIDOffsets(), "ruleset": ruleset,
		"calls": map[string]int{
			"prctl": unix.SYS_PRCTL, "seccomp": unix.SYS_SECCOMP, "set_robust_list": unix.SYS_SET_ROBUST_LIST, "mmap": unix.SYS_MMAP, "madvise": unix.SYS_MADVISE,
			"landlock_create_ruleset": unix.SYS_LANDLOCK_CREATE_RULESET,
			"landlock_restrict_self":  unix.SYS_LANDLOCK_RESTRICT_SELF,
		},
	})
	if err != nil {
		return nil, &SetupError{"config", err}
	}
	return config, nil
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
