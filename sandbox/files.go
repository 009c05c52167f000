package sandbox

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// InputFile is a file that a program finds in its workspace.
type InputFile struct {
	Name string // see CheckFileName
	Data []byte
}

// OutputFile is a file that a program left in its workspace.
type OutputFile struct {
	Name    string
	Size    int64  // bytes
	SHA256  string // in hex; empty if omitted
	Data    []byte // nil if omitted
	Omitted Omitted
}

// Omitted says why an output's content is left out; empty when it is not.
type Omitted string

const (
	OmittedSize       Omitted = "size"       // with those before it more than MaxOutputBytes
	OmittedCount      Omitted = "count"      // MaxOutputs come before it
	OmittedUnreadable Omitted = "unreadable" // its program closed it
	OmittedName       Omitted = "name"       // CheckFileName refuses its name, which is given as Go escapes it
	OmittedSearch     Omitted = "search"     // it is a pattern: there was more to look at than 10,000 files and folders, or than one second's
)

// Bounds of files.
const (
	MaxInputs      = 64      // files that a program is given
	MaxOutputs     = 32      // files that are returned; as many more are named
	MaxOutputBytes = 2 << 20 // of them all
	MaxPatterns    = 16      // of Job.Outputs
	maxName        = 255     // bytes of a name
	maxParts       = 8       // of a name, between slashes
	maxAnyParts    = 2       // times ** in a pattern
	maxStars       = 4       // times * in a part of one: each multiplies what a match takes
)

// CheckFileName says what is wrong with the name of an input: it must be a relative path
// of at most 255 bytes and 8 parts, none of them empty or . or .., in Unicode's
// composed form (NFC) and without characters that can't be seen.
func CheckFileName(name string) error {
	switch {
	case name == "" || len(name) > maxName:
		return fmt.Errorf("want a name of 1 to %d bytes", maxName)
	case !utf8.ValidString(name) || !norm.NFC.IsNormalString(name):
		return errors.New("want a name in Unicode's composed form (NFC)")
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) && r != ' ' }):
		return errors.New("want a name of visible characters")
	case strings.Contains(name, `\`):
		return errors.New("want slashes between the parts of a name, no backslash")
	case path.IsAbs(name) || path.Clean(name) != name || name == "." || name == ".." || strings.HasPrefix(name, "../"):
		return errors.New("want a relative path, without . and .. and empty parts")
	case strings.Count(name, "/") >= maxParts:
		return fmt.Errorf("want at most %d parts", maxParts)
	}
	return nil
}

// CheckFileNames says which of several names is wrong, if one is: each is valid, none is
// another's or a folder of another's.
func CheckFileNames(names []string) (at int, err error) {
	files, folders := map[string]bool{}, map[string]bool{}
	for i, name := range names {
		if err := CheckFileName(name); err != nil {
			return i, err
		}
		if files[name] {
			return i, errors.New("another file has this name")
		}
		if folders[name] {
			return i, errors.New("another file has this name for its folder")
		}
		files[name] = true
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			if files[dir] {
				return i, errors.New("another file has the name of its folder")
			}
			folders[dir] = true
		}
	}
	return 0, nil
}

// CheckPattern says what is wrong with a pattern of Job.Outputs: a name as path.Match has
// patterns, part by part; a part ** stands for any parts or none, twice at most. A name of more
// than 8 parts or 255 bytes matches none.
func CheckPattern(pattern string) error {
	switch {
	case pattern == "" || len(pattern) > maxName:
		return fmt.Errorf("want a pattern of 1 to %d bytes", maxName)
	case path.IsAbs(pattern) || path.Clean(pattern) != pattern || pattern == "." || pattern == ".." || strings.HasPrefix(pattern, "../"):
		return errors.New("want a relative path, without . and .. and empty parts")
	}
	parts, wild := strings.Split(pattern, "/"), 0
	for _, part := range parts {
		if part == "**" {
			wild++
		} else if strings.Count(part, "*") > maxStars {
			return fmt.Errorf("want at most %d times * in a part", maxStars)
		} else if strings.Contains(part, "[!") {
			return errors.New("want [^a] where a class is of other characters, not [!a]")
		} else if _, err := path.Match(part, ""); err != nil {
			return errors.New("want a pattern like *.csv, out/*.png or **/*.json; [ begins a class of characters")
		}
	}
	if len(parts) > maxParts || wild > maxAnyParts {
		return fmt.Errorf("want at most %d parts, %d of them **", maxParts, maxAnyParts)
	}
	return nil
}

// MatchOutput reports whether a file's name matches a pattern that CheckPattern takes.
func MatchOutput(pattern, name string) bool {
	return matchParts(strings.Split(pattern, "/"), strings.Split(name, "/"))
}

func matchParts(pattern, name []string) bool {
	for ; len(pattern) > 0; pattern, name = pattern[1:], name[1:] {
		if pattern[0] == "**" {
			for i := range len(name) + 1 {
				if matchParts(pattern[1:], name[i:]) {
					return true
				}
			}
			return false
		}
		if len(name) == 0 {
			return false
		}
		if ok, err := path.Match(pattern[0], name[0]); err != nil || !ok {
			return false
		}
	}
	return len(name) == 0
}
