package function

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"codecell/sandbox"
)

// fileProfile is testProfile with files and figures.
func fileProfile() *sandbox.Profile {
	p := testProfile
	p.Workspace, p.Figures = 16, true
	return &p
}

func TestDecodeFiles(t *testing.T) {
	job, err := decodeJob(newDecoder([]byte(`{"code":"x","outputs":["*.png","**/*.csv"],"files":[
		{"name":"a/b.csv","content":"é,\n"},{"content_base64":"AP8=","name":"b"},{"name":"c","content":""},{"name":"d","content_base64":""}]}`)), fileProfile())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range job.Files {
		got = append(got, fmt.Sprintf("%s=%q", f.Name, f.Data))
	}
	if want := []string{`a/b.csv="é,\n"`, `b="\x00\xff"`, `c=""`, `d=""`}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if !slices.Equal(job.Outputs, []string{"*.png", "**/*.csv"}) || !job.Figures {
		t.Errorf("got %q, figures %t", job.Outputs, job.Figures)
	}
	for body, want := range map[string]bool{`{"code":"x"}`: true, `{"code":"x","figures":false}`: false, `{"code":"x","figures":true}`: true} {
		if job, err := decodeJob(newDecoder([]byte(body)), fileProfile()); err != nil || job.Figures != want {
			t.Errorf("%s: figures %t, %v", body, job.Figures, err)
		}
	}
}

func TestDecodeFilesRefuses(t *testing.T) {
	file := `{"name":"a%d","content":""},`
	var many strings.Builder
	for i := range sandbox.MaxInputs + 2 {
		fmt.Fprintf(&many, file, i)
	}
	for body, want := range map[string]string{
		`"files":{}`:             `body.files: want an array of objects, got an object`,
		`"files":[1]`:            `body.files[0]: want an object, got a number`,
		`"files":[{"name":"a"}]`: `body.files[0]: want either content (text) or content_base64, one of them`,
		`"files":[{"name":"a","content":"","content_base64":""}]`:                             `body.files[0]: want either content (text) or content_base64, one of them`,
		`"files":[{"content":""}]`:                                                            `body.files[0].name: required, but missing`,
		`"files":[{"name":1,"content":""}]`:                                                   `body.files[0].name: want a string, got a number`,
		`"files":[{"name":"a","content":null}]`:                                               `body.files[0].content: want a string, got null`,
		`"files":[{"name":"a","content":"","mode":1}]`:                                        `body.files[0].mode: unknown field "mode"; names are case-sensitive`,
		`"files":[{"name":"a","content":""},{"name":"../b","content":""}]`:                    `body.files[1].name: want a relative path, without . and .. and empty parts`,
		`"files":[{"name":"a","content":""},{"name":"a","content":""}]`:                       `body.files[1].name: another file has this name`,
		`"files":[{"name":"a/b","content":""},{"name":"a","content":""}]`:                     `body.files[1].name: another file has this name for its folder`,
		`"files":[{"name":"","content":""}]`:                                                  `body.files[0].name: want a name of 1 to 255 bytes`,
		`"files":[{"name":"e\u0301","content":""}]`:                                           `body.files[0].name: want a name in Unicode's composed form (NFC)`,
		`"files":[{"name":"a","content_base64":"A"}]`:                                         `body.files[0].content_base64: want base64 with padding and without line ends (RFC 4648, section 4)`,
		`"files":[{"name":"a","content_base64":"AA=="},{"name":"b","content_base64":"AB=="}]`: `body.files[1].content_base64: want base64 with padding and without line ends (RFC 4648, section 4)`,
		`"files":[{"name":"a","content_base64":"AA\n=="}]`:                                    `body.files[0].content_base64: want base64 with padding and without line ends (RFC 4648, section 4)`,
		`"files":[{"name":"a","content_base64":"_-8="}]`:                                      `body.files[0].content_base64: want base64 with padding and without line ends (RFC 4648, section 4)`,
		`"files":[` + strings.TrimSuffix(many.String(), ",") + `]`:                            `body.files: want at most 64 files`,
		`"outputs":"*"`:        `body.outputs: want an array of strings, got a string`,
		`"outputs":[1]`:        `body.outputs[0]: want a string, got a number`,
		`"outputs":["a","/b"]`: `body.outputs[1]: want a relative path, without . and .. and empty parts`,
		`"outputs":["[a"]`:     `body.outputs[0]: want a pattern like *.csv, out/*.png or **/*.json; [ begins a class of characters`,
		`"outputs":[` + strings.Repeat(`"a",`, 17) + `"a"]`: `body.outputs: want at most 16 patterns`,
		`"figures":"yes"`: `body.figures: want a boolean, got a string`,
		`"figures":null`:  `body.figures: want a boolean, got null`,
	} {
		_, err := decodeJob(newDecoder([]byte(`{"code":"x",`+body+`}`)), fileProfile())
		var wrong *fieldErrors
		if !errors.As(err, &wrong) {
			t.Errorf("%.80s: %v", body, err)
			continue
		}
		if got := wrong.errors[0].Location + ": " + wrong.errors[0].Message; got != want || len(wrong.errors) > 1 {
			t.Errorf("%.80s: got %s and %d more, want %s", body, got, len(wrong.errors)-1, want)
		}
	}
	// Where there are none, whoever sends them is told so.
	for field, want := range map[string]string{
		`"files":[]`: "no workspace", `"outputs":["a"]`: "no workspace", `"figures":true`: "saves no figures",
	} {
		var wrong *fieldErrors
		if _, err := decodeString(`{"code":"x",` + field + `}`); !errors.As(err, &wrong) || !strings.Contains(wrong.errors[0].Message, want) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestEncodeFiles(t *testing.T) {
	files := []sandbox.OutputFile{
		{Name: "a\"é.CSV", Size: 3, SHA256: "00ff", Data: []byte("\x00\xffx")},
		{Name: "big.bin", Size: 1 << 40, Omitted: sandbox.OmittedSize},
		{Name: "empty.png", SHA256: "11", Data: []byte{}},
	}
	rep := encodeResult(sandbox.Result{Files: files, Outcome: sandbox.OutcomeOK}, time.Second, 0)
	var got struct{ Files json.RawMessage }
	if err := json.Unmarshal(rep.body, &got); err != nil {
		t.Fatalf("%v in %s", err, rep.body)
	}
	want := `[{"name":"a\"é.CSV","media_type":"text/csv","size":3,"sha256":"00ff","content_base64":"AP94"},` +
		`{"name":"big.bin","media_type":"application/octet-stream","size":1099511627776,"omitted":"size"},` +
		`{"name":"empty.png","media_type":"image/png","size":0,"sha256":"11","content_base64":""}]`
	if string(got.Files) != want {
		t.Errorf("got  %s\nwant %s", got.Files, want)
	}
	for text, result := range map[string]sandbox.Result{`"files":[]`: {Files: []sandbox.OutputFile{}}, `"truncated":{"stdout":false,"stderr":false},"usage"`: {}} {
		if rep := encodeResult(result, time.Second, 0); !strings.Contains(string(rep.body), text) {
			t.Errorf("no %s in %s", text, rep.body)
		}
	}
}

// TestFilesBytes measures what the worst files of a run hold, before and as they are encoded.
func TestFilesBytes(t *testing.T) {
	name := strings.Repeat("\"", 255)
	files := make([]sandbox.OutputFile, 2*sandbox.MaxOutputs)
	for i := range files {
		files[i] = sandbox.OutputFile{Name: name, Size: 1 << 40, SHA256: strings.Repeat("f", 64), Data: make([]byte, sandbox.MaxOutputBytes/len(files))}
	}
	var body int
	got := allocated(func() {
		body = len(encodeResult(sandbox.Result{Files: files}, time.Second, 0).body)
	})
	t.Logf("a reply of %d KiB takes %d KiB", body>>10, got>>10)
	if body < base64.StdEncoding.EncodedLen(sandbox.MaxOutputBytes) {
		t.Errorf("%d bytes: not the worst reply", body)
	}
	if got > filesReplyBytes {
		t.Errorf("encoding takes %d bytes, set aside are %d", got, filesReplyBytes)
	}
	with, without := testConfig(t).doors(true), testConfig(t).doors(false)
	if more := with.PerSlot - without.PerSlot; more != 2*filesReplyBytes+filesBytes {
		t.Errorf("%d bytes more for a slot", more)
	}
	if more := with.Fixed - without.Fixed; more != intakeBase*filesReplyBytes {
		t.Errorf("%d bytes more whatever the number of slots", more)
	}
}

// FuzzDecodeFiles: what was accepted is within the bounds that the sandbox asks for.
func FuzzDecodeFiles(f *testing.F) {
	for _, seed := range []string{
		`[{"name":"a","content":"x"}]`, `[{"name":"a/b","content_base64":"AA=="},{"name":"a","content":""}]`, `[]`, `[{}]`, `[{"name":"\u0000","content":1}]`,
	} {
		f.Add([]byte(seed), "**/*.csv")
	}
	f.Fuzz(func(t *testing.T, files []byte, pattern string) {
		text, err := json.Marshal(pattern)
		if err != nil {
			t.Fatal(err)
		}
		job, err := decodeJob(newDecoder(slices.Concat([]byte(`{"code":"x","outputs":[`), text, []byte(`],"files":`), files, []byte(`}`))), fileProfile())
		if err != nil {
			return
		}
		names := make([]string, len(job.Files))
		for i, file := range job.Files {
			names[i] = file.Name
		}
		if at, err := sandbox.CheckFileNames(names); err != nil || len(names) > sandbox.MaxInputs {
			t.Errorf("%q: file %d: %v", files, at, err)
		}
		for _, p := range job.Outputs {
			if err := sandbox.CheckPattern(p); err != nil {
				t.Errorf("%q: %v", p, err)
			}
		}
	})
}
