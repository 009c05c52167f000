package function

import (
	"fmt"
	"regexp"
	"strings"
	"sync"

	"codecell/sandbox"

	"github.com/go-json-experiment/json/jsontext"
)

// Bounds of what a program is started with. Each string costs the server a header
// beside its bytes, which MaxBody bounds.
const (
	maxArgs = 256
	maxEnv  = 128
)

// decodeArray reads an array of at most so many things, each by one call of decode, which
// is told where it stands. elements is what it is an array of.
func decodeArray(dec *jsontext.Decoder, location, elements string, most int, things string, wrong *fieldErrors, decode func(location string) error) error {
	if kind := dec.PeekKind(); kind != jsontext.KindBeginArray {
		wrong.add(location, fmt.Sprintf("want an array of %s, got %s", elements, nameOf(kind)), nil)
		return dec.SkipValue()
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for n := 0; dec.PeekKind() != jsontext.KindEndArray; n++ {
		if n == most {
			wrong.add(location, fmt.Sprintf("want at most %d %s", most, things), nil)
		}
		var err error
		if n >= most {
			err = dec.SkipValue()
		} else {
			err = decode(fmt.Sprintf("%s[%d]", location, n))
		}
		if err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// decodeArgs reads an array of strings.
func decodeArgs(dec *jsontext.Decoder, job *sandbox.Job, wrong *fieldErrors) error {
	return decodeArray(dec, "body.args", "strings", maxArgs, "arguments", wrong, func(at string) error {
		arg, ok, err := decodePlain(dec, at, wrong)
		if ok {
			job.Args = append(job.Args, arg)
		}
		return err
	})
}

// envName is what POSIX has for a name, XBD 8.1: letters, digits and underscores, no
// digit first.
var envName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\A[A-Za-z_][A-Za-z0-9_]{0,99}\z`) })

// decodeEnv reads an object whose members are variables that the profile allows.
func decodeEnv(dec *jsontext.Decoder, profile *sandbox.Profile, job *sandbox.Job, wrong *fieldErrors) error {
	const location = "body.env"
	if kind := dec.PeekKind(); kind != jsontext.KindBeginObject {
		wrong.add(location, "want an object of strings, got "+nameOf(kind), nil)
		return dec.SkipValue()
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for n := 0; dec.PeekKind() != jsontext.KindEndObject; n++ {
		token, err := dec.ReadToken()
		if err != nil {
			return err
		}
		name := token.String()
		where, refused := location+"."+short(name), ""
		switch {
		case n == maxEnv:
			where, refused = location, fmt.Sprintf("want at most %d variables", maxEnv)
		case n > maxEnv:
		case !envName().MatchString(name):
			refused = "want a name of letters, digits and underscores, at most 100, no digit first"
		case len(profile.Env) == 0:
			refused = fmt.Sprintf("profile %s lets callers set no variable", profile.Name)
		case !profile.AllowsEnv(name):
			refused = fmt.Sprintf("profile %s lets callers set %s only", profile.Name, short(strings.Join(profile.Env, ", ")))
		default:
			value, ok, err := decodePlain(dec, where, wrong)
			if err != nil {
				return err
			}
			if ok {
				job.Env = append(job.Env, name+"="+value)
			}
			continue
		}
		if refused != "" {
			wrong.add(where, refused, nil)
		}
		if err := dec.SkipValue(); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// decodePlain reads a string without a NUL, which no argument and no variable of a
// process can have (execve(2)).
func decodePlain(dec *jsontext.Decoder, location string, wrong *fieldErrors) (text string, ok bool, err error) {
	text, ok, err = decodeText(dec, location, wrong)
	if ok && strings.Contains(text, "\x00") {
		wrong.add(location, "want a string without U+0000", nil)
		ok = false
	}
	return text, ok, err
}
