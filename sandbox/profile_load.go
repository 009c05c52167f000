package sandbox

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// maxProfile bounds, in bytes, what is read of a profile's file.
const maxProfile = 1 << 20

//go:embed profiles/*.yaml
var embeddedProfiles embed.FS

// LoadProfile reads a profile: an embedded one by its bare name ("minimal"), or
// the YAML file at a path, which contains a "/" or ends in .yaml or .yml.
//
// It refuses what it does not know (every key must be there, and no other may),
// so that a misspelt limit is never a missing limit. One that extends another has
// that one's value for each key that it leaves out; a relative path in extends is
// relative to the file. An error names each mistake with file, line and column.
func LoadProfile(nameOrPath string) (*Profile, error) { return loadProfile(nameOrPath, nil) }

// maxExtends is how many profiles may extend one another.
const maxExtends = 8

// loadProfile loads the profile that those of chain extend, the last of them directly.
func loadProfile(nameOrPath string, chain []string) (*Profile, error) {
	same := func(other string) bool { return filepath.Clean(other) == filepath.Clean(nameOrPath) }
	switch {
	case slices.ContainsFunc(chain, same):
		return nil, fmt.Errorf("profile %s extends itself", nameOrPath)
	case len(chain) > maxExtends:
		return nil, fmt.Errorf("profile %s: more than %d that extend one another", nameOrPath, maxExtends)
	}
	chain = append(slices.Clip(chain), nameOrPath)
	if isProfilePath(nameOrPath) {
		return loadProfileFile(nameOrPath, chain)
	}
	file := path.Join("profiles", nameOrPath+".yaml")
	data, err := embeddedProfiles.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("no profile %q: the embedded ones are %s; a path contains a / or ends in .yaml or .yml",
			nameOrPath, strings.Join(embeddedProfileNames(), ", "))
	}
	return parseProfile(file, data, func(name string) (*Profile, error) { return loadProfile(name, chain) })
}

func isProfilePath(s string) bool {
	return strings.Contains(s, "/") || strings.HasSuffix(s, ".yaml") || strings.HasSuffix(s, ".yml")
}

func embeddedProfileNames() []string {
	files, err := fs.Glob(embeddedProfiles, "profiles/*.yaml")
	if err != nil {
		panic(err) // a malformed pattern, which is ours
	}
	for i, file := range files {
		files[i] = strings.TrimSuffix(path.Base(file), ".yaml")
	}
	return files
}

func loadProfileFile(file string, chain []string) (_ *Profile, err error) {
	// Only a regular file: opening a FIFO would wait for a writer that may never come.
	switch info, err := os.Stat(file); {
	case err != nil:
		return nil, fmt.Errorf("profile: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("profile: %s is not a regular file", file)
	}
	f, err := os.Open(filepath.Clean(file))
	if err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	data, err := io.ReadAll(io.LimitReader(f, maxProfile+1))
	if err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	if len(data) > maxProfile {
		return nil, fmt.Errorf("profile: %s is larger than 1 MiB", file)
	}
	return parseProfile(file, data, func(name string) (*Profile, error) {
		if isProfilePath(name) && !filepath.IsAbs(name) {
			name = filepath.Dir(file) + "/" + name
		}
		return loadProfile(name, chain)
	})
}
