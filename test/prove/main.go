//go:build linux

// Command prove makes the memory promise good in public: it builds the image,
// runs it as Knative and Cloud Run would, makes every attack of package memory on
// it and prints what the kernel counted. Its exit code is 0 only if the kernel
// killed nothing and no bound was broken.
//
//	make prove
//	go run ./test/prove -mutations [-attack REGEXP]
//	go run ./test/prove -v2 RELEASE [-attack REGEXP]
//	go run ./test/prove [-configuration one,auto,standard,data-science] [-attack REGEXP] [-soak 30m] [-cpu core] [-outside=false] [-json FILE] [-list] [-image-only]
//
// It needs root and Debian's packages podman, runc and mmdebstrap, and says so
// where they are missing. Nothing comes from an image registry: the base image is
// made of Debian packages once and kept in the user's cache directory. When it
// ends, by itself or by Ctrl-C, no container and no cgroup of it is left.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"time"

	"codecell/test/memory"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "prove:", err)
		os.Exit(1)
	}
}

// wish is what the command line asks for.
type wish struct {
	configurations []configuration
	attacks        []memory.Attack
	binary         string
	json           string
	soak           time.Duration
	cpu            memory.CPU
	outside        bool
	mutations      bool
}

func run(ctx context.Context) error {
	names := flag.String("configuration", strings.Join(configurationNames(), ","), "the `configurations` of the container, with commas")
	pattern := flag.String("attack", "", "only the attacks whose names match the `regexp`")
	list := flag.Bool("list", false, "print the attacks and make none")
	imageOnly := flag.Bool("image-only", false, "build the image and make no attack")
	w := wish{cpu: memory.Core}
	flag.StringVar(&w.binary, "bin", "bin/codecell", "the `binary` to put into the image")
	flag.StringVar(&w.json, "json", "", "write every figure to the `file`")
	flag.DurationVar(&w.soak, "soak", 30*time.Minute, "how long the soak lasts; 0: leave it out")
	flag.Func("cpu", "what one CPU is: core, as on Cloud Run (the default), or quota, as on Kubernetes", func(s string) error {
		if w.cpu = memory.CPU(s); w.cpu != memory.Quota && w.cpu != memory.Core {
			return fmt.Errorf("want %s or %s", memory.Quota, memory.Core)
		}
		return nil
	})
	flag.BoolVar(&w.outside, "outside", true, "run each program outside of the jail as well, as the positive control")
	flag.BoolVar(&w.mutations, "mutations", false, "take one rule after the other out of the product: its attack must show that")
	v2 := flag.String("v2", "", "make the attacks in a guest with cgroup v2 instead, whose kernel is that of the Debian `release`: trixie, bookworm")
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected %q", flag.Args())
	}
	if *v2 != "" {
		return proveV2(ctx, w.binary, *v2, *pattern)
	}
	var err error
	if w.configurations, err = choose(*names); err != nil {
		return err
	}
	if w.attacks, err = attacks(*pattern, w.soak); err != nil {
		return err
	}
	switch {
	case *list:
		return listAttacks(os.Stdout, w.attacks)
	case *imageOnly:
		if err := requireTools(); err != nil {
			return err
		}
		return buildImages(ctx, w.binary, w.configurations)
	}
	return prove(ctx, w)
}

// attacks are those of the corpus that match.
func attacks(pattern string, soak time.Duration) ([]memory.Attack, error) {
	match, err := regexp.Compile(pattern)
	if err != nil {
		return nil, err
	}
	all, err := memory.Corpus()
	if err != nil {
		return nil, err
	}
	var chosen []memory.Attack
	for _, a := range all {
		if match.MatchString(a.Name) && (soak > 0 || a.Name != memory.SoakName) {
			chosen = append(chosen, a)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no attack matches %q", pattern)
	}
	return chosen, nil
}

// A configuration is a container's size and what it is to make of it.
type configuration struct {
	name      string
	memoryMiB int
	slots     string // SANDBOX_MAX_CONCURRENCY
	profile   string
	has       memory.Need // what the profile gives programs
}

func (c configuration) String() string {
	return fmt.Sprintf("%s (profile %s, %d MiB, concurrency %s)", c.name, c.profile, c.memoryMiB, c.slots)
}

var configurations = []configuration{
	{"one", 704, "1", minimal, memory.Nothing},
	{"auto", 2048, "auto", minimal, memory.Nothing},
	{"standard", 704, "1", "standard", memory.Files},
	{"data-science", 2048, "1", "data-science", memory.Packages},
}

// workspaceMiB is the profiles', see sandbox/profiles/standard.yaml, and the sizeLimit of
// the volume in deploy/knative.
const workspaceMiB = 64

func configurationNames() (names []string) {
	for _, c := range configurations {
		names = append(names, c.name)
	}
	return names
}

// image is what its containers are made of.
func (c configuration) image() string {
	if c.has == memory.Packages {
		return packagesImage
	}
	return image
}

// volumeMiB is the size of the volume that its programs work in.
func (c configuration) volumeMiB() int {
	if c.has.In(memory.Nothing) {
		return 0
	}
	return workspaceMiB
}

func choose(names string) (chosen []configuration, err error) {
	for name := range strings.SplitSeq(names, ",") {
		found := false
		for _, c := range configurations {
			if c.name == name {
				chosen, found = append(chosen, c), true
			}
		}
		if !found {
			return nil, fmt.Errorf("no configuration %q; there are %v", name, configurations)
		}
	}
	return chosen, nil
}

// progress tells whoever waits what is being done.
func progress(format string, args ...any) { fmt.Fprintf(os.Stderr, "prove: "+format+"\n", args...) }

var errBreached = errors.New("the promise was broken: see the table")
