package function

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"codecell/sandbox"

	"github.com/go-json-experiment/json/jsontext"
)

// withoutFiles says that the profile's programs have no files, and skips what was sent.
func withoutFiles(dec *jsontext.Decoder, location string, profile *sandbox.Profile, wrong *fieldErrors) error {
	wrong.add(location, fmt.Sprintf("profile %s gives its programs no workspace, and so no files", profile.Name), nil)
	return dec.SkipValue()
}

// decodeFiles reads an array of files, each an object with its name and one content.
func decodeFiles(dec *jsontext.Decoder, profile *sandbox.Profile, job *sandbox.Job, wrong *fieldErrors) error {
	const location = "body.files"
	if profile.Workspace == 0 {
		return withoutFiles(dec, location, profile, wrong)
	}
	err := decodeArray(dec, location, "objects", sandbox.MaxInputs, "files", wrong, func(at string) error {
		file, err := decodeFile(dec, at, wrong)
		job.Files = append(job.Files, file)
		return err
	})
	if err != nil {
		return err
	}
	names := make([]string, len(job.Files))
	for i, file := range job.Files {
		names[i] = file.Name
	}
	if len(wrong.errors) == 0 { // else some of the names are not there
		if at, err := sandbox.CheckFileNames(names); err != nil {
			wrong.add(fmt.Sprintf("%s[%d].name", location, at), err.Error(), nil)
		}
	}
	return nil
}

// decodeFile reads one file.
func decodeFile(dec *jsontext.Decoder, location string, wrong *fieldErrors) (file sandbox.InputFile, err error) {
	if kind := dec.PeekKind(); kind != jsontext.KindBeginObject {
		wrong.add(location, "want an object, got "+nameOf(kind), nil)
		return file, dec.SkipValue()
	}
	if _, err := dec.ReadToken(); err != nil {
		return file, err
	}
	named, contents := false, 0
	for dec.PeekKind() != jsontext.KindEndObject {
		token, err := dec.ReadToken()
		if err != nil {
			return file, err
		}
		switch name := token.String(); name {
		case "name":
			named = true
			file.Name, _, err = decodeText(dec, location+".name", wrong)
		case "content":
			contents++
			var text string
			text, _, err = decodeText(dec, location+".content", wrong)
			file.Data = []byte(text)
		case "content_base64":
			contents++
			file.Data, err = decodeBase64(dec, location+".content_base64", wrong)
		default:
			wrong.add(location+"."+short(name), fmt.Sprintf("unknown field %q; names are case-sensitive", short(name)), nil)
			err = dec.SkipValue()
		}
		if err != nil {
			return file, err
		}
	}
	if !named {
		wrong.add(location+".name", "required, but missing", nil)
	}
	if contents != 1 {
		wrong.add(location, "want either content (text) or content_base64, one of them", nil)
	}
	_, err = dec.ReadToken()
	return file, err
}

// decodeBase64 reads a string of base64 with padding and without line ends (RFC 4648,
// section 4).
func decodeBase64(dec *jsontext.Decoder, location string, wrong *fieldErrors) ([]byte, error) {
	text, ok, err := decodeText(dec, location, wrong)
	if err != nil || !ok {
		return nil, err
	}
	data, bad := base64.StdEncoding.Strict().DecodeString(text)
	if bad == nil && strings.ContainsAny(text, "\r\n") {
		bad = errors.New("line ends")
	}
	if bad != nil { // it is the caller's, and wrong has it
		wrong.add(location, "want base64 with padding and without line ends (RFC 4648, section 4)", nil)
		data = nil
	}
	return data, nil
}

// decodeOutputs reads an array of patterns.
func decodeOutputs(dec *jsontext.Decoder, profile *sandbox.Profile, job *sandbox.Job, wrong *fieldErrors) error {
	const location = "body.outputs"
	if profile.Workspace == 0 {
		return withoutFiles(dec, location, profile, wrong)
	}
	return decodeArray(dec, location, "strings", sandbox.MaxPatterns, "patterns", wrong, func(at string) error {
		pattern, ok, err := decodeText(dec, at, wrong)
		if err != nil || !ok {
			return err
		}
		if refused := sandbox.CheckPattern(pattern); refused != nil {
			wrong.add(at, refused.Error(), nil)
		} else {
			job.Outputs = append(job.Outputs, pattern)
		}
		return nil
	})
}

// decodeFigures reads whether open figures are to be returned.
func decodeFigures(dec *jsontext.Decoder, profile *sandbox.Profile, job *sandbox.Job, wrong *fieldErrors) error {
	const location = "body.figures"
	kind := dec.PeekKind()
	if kind != jsontext.KindTrue && kind != jsontext.KindFalse {
		wrong.add(location, "want a boolean, got "+nameOf(kind), nil)
		return dec.SkipValue()
	}
	if job.Figures = kind == jsontext.KindTrue; job.Figures && !profile.Figures {
		wrong.add(location, fmt.Sprintf("profile %s saves no figures", profile.Name), nil)
	}
	_, err := dec.ReadToken()
	return err
}
