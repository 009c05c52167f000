package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

type versionCmd struct{}

// Run prints one line: version, revision, toolchain and platform.
func (versionCmd) Run(w world) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return fmt.Errorf("this binary was built without module information: build it with the go command")
	}
	return printVersion(w.stdout, info)
}

func printVersion(w io.Writer, info *debug.BuildInfo) error {
	settings := make(map[string]string, len(info.Settings))
	for _, setting := range info.Settings {
		settings[setting.Key] = setting.Value
	}
	line := "codecell " + info.Main.Version
	if revision := settings["vcs.revision"]; revision != "" {
		line += " " + revision[:min(12, len(revision))]
		if settings["vcs.modified"] == "true" {
			line += "+modified"
		}
	}
	_, err := fmt.Fprintf(w, "%s %s %s/%s\n", line, info.GoVersion, runtime.GOOS, runtime.GOARCH)
	return err
}
