package function

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"codecell/sandbox"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxBody is how long a request's body may be, in bytes.
const MaxBody = 1 << 20

// Bounds of what a refusal tells about a request.
const (
	maxFieldErrors = 16 // the rest is counted
	maxEcho        = 64 // bytes of a value or a name
)

// jsonError says in what way a body is not one JSON object. It is fit for the
// caller to read.
type jsonError struct{ detail string }

func (e *jsonError) Error() string { return e.detail }

// fieldError is one thing wrong with one field.
type fieldError struct {
	Location string         `json:"location"`
	Message  string         `json:"message"`
	Value    jsontext.Value `json:"value,omitzero"` // nil unless short, scalar, fit for any decoder, and not of a text
}

// fieldErrors is everything wrong with the fields of a request.
type fieldErrors struct {
	errors  []fieldError // the first maxFieldErrors
	dropped int
}

func (e *fieldErrors) Error() string {
	return fmt.Sprintf("%d invalid fields", len(e.errors)+e.dropped)
}

func (e *fieldErrors) add(location, message string, value jsontext.Value) {
	if len(e.errors) == maxFieldErrors {
		e.dropped++
		return
	}
	if len(value) > maxEcho {
		value = nil
	}
	e.errors = append(e.errors, fieldError{location, message, bytes.Clone(value)})
}

// errBlank: there is no code but white space.
var errBlank = errors.New("no code provided")

// newDecoder returns a decoder of body, which it reads in place.
func newDecoder(body []byte) *jsontext.Decoder { return jsontext.NewDecoder(bytes.NewBuffer(body)) }

// decodeJob reads one JSON object from dec to its end and returns the program it
// asks for, with the profile's defaults for what it leaves out. It never holds
// more of the document than one value.
//
// Errors, in this order: *jsonError, *fieldErrors, errBlank.
func decodeJob(dec *jsontext.Decoder, profile *sandbox.Profile) (sandbox.Job, error) {
	job := sandbox.Job{Figures: profile.Figures, Limits: sandbox.Limits{Timeout: profile.Limits.DefaultTimeout, Memory: profile.Limits.Memory}}
	var wrong fieldErrors
	if err := decodeObject(dec, profile, &job, &wrong); err != nil {
		return sandbox.Job{}, malformed(err)
	}
	if len(wrong.errors) > 0 {
		return sandbox.Job{}, &wrong
	}
	if strings.TrimSpace(job.Code) == "" {
		return sandbox.Job{}, errBlank
	}
	return job, nil
}

var (
	errNotObject = errors.New("not an object")
	errTrailing  = errors.New("trailing data")
)

// malformed is what err says about the document, for its author to read. An
// error that says nothing about it is returned as it is.
func malformed(err error) error {
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, errNotObject):
		return &jsonError{"The body is not a JSON object."}
	case errors.Is(err, errTrailing):
		return &jsonError{"There is more in the body after the JSON object."}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &jsonError{"The JSON ends before the object does."}
	case err == io.EOF: //nolint:errorlint // jsontext documents io.EOF itself
		return &jsonError{"The body is empty."}
	case !errors.As(err, &syntax):
		return err
	case errors.Is(syntax.Err, jsontext.ErrDuplicateName):
		return &jsonError{fmt.Sprintf("The name %q occurs twice in one object.", short(syntax.JSONPointer.LastToken()))}
	default:
		return &jsonError{fmt.Sprintf("The body can't be read as JSON: %v at byte %d.", syntax.Err, syntax.ByteOffset)}
	}
}

// decodeObject fills job from the members of the object, and wrong with what is
// wrong with them. The error says that there is no such object.
func decodeObject(dec *jsontext.Decoder, profile *sandbox.Profile, job *sandbox.Job, wrong *fieldErrors) error {
	switch dec.PeekKind() {
	case jsontext.KindBeginObject:
	case jsontext.KindInvalid: // nothing, or no JSON: let ReadToken say what
	default:
		return errNotObject
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	hasCode := false
	for dec.PeekKind() != jsontext.KindEndObject {
		name, err := dec.ReadToken()
		if err != nil {
			return err
		}
		switch name := name.String(); name {
		case "code":
			hasCode = true
			job.Code, _, err = decodeText(dec, "body.code", wrong)
		case "timeout":
			err = decodeTimeout(dec, profile.Limits.MaxTimeout, job, wrong)
		case "memory_mb":
			err = decodeMemory(dec, profile.Limits, job, wrong)
		case "stdin":
			var text string
			text, _, err = decodeText(dec, "body.stdin", wrong)
			job.Stdin = strings.NewReader(text)
		case "args":
			err = decodeArgs(dec, job, wrong)
		case "env":
			err = decodeEnv(dec, profile, job, wrong)
		case "files":
			err = decodeFiles(dec, profile, job, wrong)
		case "outputs":
			err = decodeOutputs(dec, profile, job, wrong)
		case "figures":
			err = decodeFigures(dec, profile, job, wrong)
		default:
			wrong.add("body."+short(name), fmt.Sprintf("unknown field %q; names are case-sensitive", short(name)), nil)
			err = dec.SkipValue()
		}
		if err != nil {
			return err
		}
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	if !hasCode {
		wrong.add("body.code", "required, but missing", nil)
	}
	if _, err := dec.ReadToken(); err == nil {
		return errTrailing
	} else if err != io.EOF { //nolint:errorlint // jsontext documents io.EOF itself
		return errors.Join(errTrailing, err)
	}
	return nil
}

// decodeText reads a string that is never said back. Of anything else it takes note in
// wrong, and is not ok.
func decodeText(dec *jsontext.Decoder, location string, wrong *fieldErrors) (text string, ok bool, err error) {
	if kind := dec.PeekKind(); kind != jsontext.KindString {
		wrong.add(location, "want a string, got "+nameOf(kind), nil)
		return "", false, dec.SkipValue()
	}
	token, err := dec.ReadToken()
	if err != nil {
		return "", false, err
	}
	return token.String(), true, nil
}

func decodeTimeout(dec *jsontext.Decoder, most time.Duration, job *sandbox.Job, wrong *fieldErrors) error {
	const location = "body.timeout"
	raw, seconds, err := decodeNumber(dec, location, wrong)
	if err != nil || raw == nil {
		return err
	}
	if !(seconds > 0 && seconds <= most.Seconds()) {
		wrong.add(location, fmt.Sprintf("want more than 0 and at most %v seconds", most.Seconds()), echo(raw, seconds))
		return nil
	}
	// Never 0, which would mean the default.
	job.Limits.Timeout = max(time.Millisecond, time.Duration(seconds*float64(time.Second)))
	return nil
}

func decodeMemory(dec *jsontext.Decoder, limits sandbox.ProfileLimits, job *sandbox.Job, wrong *fieldErrors) error {
	const location = "body.memory_mb"
	raw, mib, err := decodeNumber(dec, location, wrong)
	if err != nil || raw == nil {
		return err
	}
	switch {
	case mib < float64(limits.LeastMemory) || mib > float64(limits.Memory):
		wrong.add(location, fmt.Sprintf("want at least %d and at most %d MiB", limits.LeastMemory, limits.Memory), echo(raw, mib))
	case mib != math.Trunc(mib):
		wrong.add(location, "want a whole number of MiB", raw)
	default:
		job.Limits.Memory = sandbox.MiB(mib)
	}
	return nil
}

// decodeNumber reads a number, which may be infinite for one that no float64
// holds. Of anything else it takes note in wrong, and returns a nil raw.
func decodeNumber(dec *jsontext.Decoder, location string, wrong *fieldErrors) (raw jsontext.Value, n float64, err error) {
	kind := dec.PeekKind()
	if kind == jsontext.KindBeginObject || kind == jsontext.KindBeginArray {
		wrong.add(location, "want a number, got "+nameOf(kind), nil)
		return nil, 0, dec.SkipValue()
	}
	raw, err = dec.ReadValue()
	if err != nil {
		return nil, 0, err
	}
	if kind != jsontext.KindNumber {
		wrong.add(location, "want a number, got "+nameOf(kind), raw)
		return nil, 0, nil
	}
	n, err = strconv.ParseFloat(string(raw), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return nil, 0, fmt.Errorf("function: jsontext passed %q as a number: %w", short(string(raw)), err)
	}
	return raw, n, nil
}

// echo is the number as it may be said back: nil where no float64 holds it. Many
// decoders refuse such a number, and with it the answer that it stands in.
func echo(raw jsontext.Value, n float64) jsontext.Value {
	if math.IsInf(n, 0) {
		return nil
	}
	return raw
}

func nameOf(kind jsontext.Kind) string {
	switch kind {
	case jsontext.KindNull:
		return "null"
	case jsontext.KindTrue, jsontext.KindFalse:
		return "a boolean"
	case jsontext.KindString:
		return "a string"
	case jsontext.KindNumber:
		return "a number"
	case jsontext.KindBeginObject:
		return "an object"
	case jsontext.KindBeginArray:
		return "an array"
	default:
		return "no value"
	}
}

// short cuts s to at most maxEcho bytes, between characters.
func short(s string) string {
	if len(s) <= maxEcho {
		return s
	}
	n := maxEcho
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
