//go:build linux

// Command make builds the image where no registry is reachable, and writes the
// list of its contents beside it.
//
//	make image [IMAGE=localhost/codecell:latest] [ARCH=arm64] [PROFILE=data-science] [PYTHON_PACKAGES="python3-numpy"] [SOURCE=URL] [FRESH=true]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"codecell/test/e2e/image"
)

func main() {
	o := image.Options{Progress: func(format string, args ...any) { fmt.Fprintf(os.Stderr, "image: "+format+"\n", args...) }}
	flag.StringVar(&o.Name, "image", "localhost/codecell:latest", "the image's `name` and tag")
	flag.StringVar(&o.Arch, "arch", runtime.GOARCH, "amd64 or arm64")
	flag.StringVar(&o.Packages, "packages", "", "Debian `packages` that a profile imports, with spaces")
	flag.StringVar(&o.Profile, "profile", "", "a `profile` whose packages are listed in deploy/image")
	flag.StringVar(&o.Source, "source", "", "the source's `address`, for the label")
	flag.BoolVar(&o.Fresh, "fresh", false, "make the base anew as well, with the newest packages")
	sbom := flag.String("sbom", "bin/image.cdx.json", "write the list of contents to the `file`; empty: don't")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o, *sbom)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o image.Options, sbom string) error {
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected %q", flag.Args())
	}
	if o.Arch != "amd64" && o.Arch != "arm64" {
		return fmt.Errorf("-arch %q: want amd64 or arm64, whose system calls the jail knows", o.Arch)
	}
	if err := image.Tools(); err != nil {
		return err
	}
	if err := image.Build(ctx, o); err != nil {
		return err
	}
	size, err := image.Size(ctx, o.Name)
	if err != nil {
		return err
	}
	base, err := image.Size(ctx, image.Base(o.Arch))
	if err != nil {
		return err
	}
	fmt.Printf("%s: %.1f MB; its base %s: %.1f MB\n", o.Name, float64(size)/image.MB, image.Base(o.Arch), float64(base)/image.MB)
	// What somebody adds is theirs to weigh.
	if o.Packages == "" && o.Profile == "" {
		if err := image.Weigh(size, base); err != nil {
			return err
		}
	}
	if sbom == "" {
		return nil
	}
	return image.WriteSBOM(ctx, o, sbom)
}
