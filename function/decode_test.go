package function

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"codecell/sandbox"
)

func decodeString(body string) (sandbox.Job, error) {
	return decodeJob(newDecoder([]byte(body)), &testProfile)
}

func TestDecodeAccepts(t *testing.T) {
	defaults := sandbox.Limits{Timeout: 10 * time.Second, Memory: 512}
	with := func(timeout time.Duration, memory sandbox.MiB) sandbox.Limits {
		return sandbox.Limits{Timeout: timeout, Memory: memory}
	}
	for body, want := range map[string]sandbox.Job{
		`{"code":"x"}`:                              {Code: "x", Limits: defaults},
		" \r\n\t{ \"code\" : \"x\" } \n":            {Code: "x", Limits: defaults},
		`{"c\u006fde":"\u0000\ud83d\ude00é\n"}`:     {Code: "\x00😀é\n", Limits: defaults},
		`{"timeout":5,"code":"x"}`:                  {Code: "x", Limits: with(5*time.Second, 512)},
		`{"timeout":5.0,"code":"x"}`:                {Code: "x", Limits: with(5*time.Second, 512)},
		`{"timeout":5e0,"code":"x"}`:                {Code: "x", Limits: with(5*time.Second, 512)},
		`{"timeout":30,"code":"x"}`:                 {Code: "x", Limits: with(30*time.Second, 512)},
		`{"timeout":0.25,"code":"x"}`:               {Code: "x", Limits: with(250*time.Millisecond, 512)},
		`{"timeout":1e-12,"code":"x"}`:              {Code: "x", Limits: with(time.Millisecond, 512)},
		`{"memory_mb":64,"code":"x"}`:               {Code: "x", Limits: with(10*time.Second, 64)},
		`{"memory_mb":128.0,"code":"x"}`:            {Code: "x", Limits: with(10*time.Second, 128)},
		`{"memory_mb":1.28e2,"code":"x"}`:           {Code: "x", Limits: with(10*time.Second, 128)},
		`{"memory_mb":512,"code":"\"","timeout":1}`: {Code: `"`, Limits: with(time.Second, 512)},
	} {
		job, err := decodeString(body)
		if err != nil || job.Code != want.Code || job.Limits != want.Limits {
			t.Errorf("%s: got %+v %v, want %+v", body, job, err, want)
		}
	}
}

// stdinOf reads what a job has for its program to read.
func stdinOf(t *testing.T, job sandbox.Job) string {
	t.Helper()
	if job.Stdin == nil {
		return ""
	}
	text, err := io.ReadAll(job.Stdin)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestDecodeInput: what a program is started with, and what it can't be started with.
func TestDecodeInput(t *testing.T) {
	job, err := decodeString(`{"stdin":"a\u0000\nb","code":"x","args":["","-v","\u00e9 "],"env":{"DEBUG":"","APP_B":"=1","APP_A":"x y"}}`)
	if err != nil {
		t.Fatal(err)
	}
	if got := stdinOf(t, job); got != "a\x00\nb" {
		t.Errorf("stdin %q", got)
	}
	if want := []string{"", "-v", "é "}; !slices.Equal(job.Args, want) {
		t.Errorf("args %q, want %q", job.Args, want)
	}
	if want := []string{"DEBUG=", "APP_B==1", "APP_A=x y"}; !slices.Equal(job.Env, want) {
		t.Errorf("env %q, want %q", job.Env, want)
	}
	if job, err := decodeString(`{"code":"x","args":[],"env":{}}`); err != nil || len(job.Args)+len(job.Env) > 0 || job.Stdin != nil {
		t.Errorf("%+v, %v", job, err)
	}

	many := func(n int, one string) string { return strings.TrimSuffix(strings.Repeat(one+",", n), ",") }
	var variables strings.Builder
	for i := range maxEnv + 2 {
		fmt.Fprintf(&variables, `"APP_%d":"",`, i)
	}
	if job, err := decodeString(`{"code":"x","args":[` + many(maxArgs, `""`) + `]}`); err != nil || len(job.Args) != maxArgs {
		t.Errorf("%d args: %v", len(job.Args), err)
	}
	for body, want := range map[string]string{
		`"stdin":null`:                           "body.stdin: want a string, got null",
		`"stdin":["secret"]`:                     "body.stdin: want a string, got an array",
		`"args":"x"`:                             "body.args: want an array of strings, got a string",
		`"args":[1]`:                             "body.args[0]: want a string, got a number",
		`"args":["a",["secret"]]`:                "body.args[1]: want a string, got an array",
		`"args":["a\u0000b"]`:                    "body.args[0]: want a string without U+0000",
		`"env":[]`:                               "body.env: want an object of strings, got an array",
		`"env":{"DEBUG":1}`:                      "body.env.DEBUG: want a string, got a number",
		`"env":{"DEBUG":"\u0000"}`:               "body.env.DEBUG: want a string without U+0000",
		`"env":{"PATH":"x"}`:                     "body.env.PATH: profile minimal lets callers set DEBUG, APP_* only",
		`"env":{"debug":"x"}`:                    "body.env.debug: profile minimal lets callers set DEBUG, APP_* only",
		`"env":{"APP_=":"x"}`:                    "body.env.APP_=: want a name of letters",
		`"env":{"":"x"}`:                         "body.env.: want a name of letters",
		`"env":{"1A":"x"}`:                       "body.env.1A: want a name of letters",
		`"env":{"APP_\n":"x"}`:                   "body.env.APP_\n: want a name of letters",
		`"args":[` + many(300, "0") + `]`:        "body.args[0]: want a string, got a number",
		`"args":[` + many(maxArgs+2, `""`) + `]`: "body.args: want at most 256 arguments",
		`"env":{` + strings.TrimSuffix(variables.String(), ",") + `}`: "body.env: want at most 128 variables",
	} {
		_, err := decodeString(`{"code":"x",` + body + `}`)
		var bad *fieldErrors
		if !errors.As(err, &bad) {
			t.Errorf("%.60s: got %v", body, err)
			continue
		}
		first := bad.errors[0]
		if got := first.Location + ": " + first.Message; !strings.HasPrefix(got, want) || first.Value != nil {
			t.Errorf("%.60s: got %q %s, want %q", body, got, first.Value, want)
		}
		if strings.HasPrefix(want, "body.args: ") && len(bad.errors) != 1 {
			t.Errorf("%.60s: %d errors", body, len(bad.errors))
		}
	}
}

// TestDecodeMalformed: each kind of bad JSON has a detail of its own.
func TestDecodeMalformed(t *testing.T) {
	for body, want := range map[string]string{
		``:                                     "empty",
		" \n":                                  "empty",
		`{`:                                    "ends before",
		`{"code":"x"`:                          "ends before",
		`{"code":"x`:                           "ends before",
		`{"code":`:                             "ends before",
		`[]`:                                   "not a JSON object",
		`null`:                                 "not a JSON object",
		`"code"`:                               "not a JSON object",
		`42`:                                   "not a JSON object",
		`{"code":"x"}x`:                        "more in the body",
		`{"code":"x"}{}`:                       "more in the body",
		`{"code":"x"}` + "\x00":                "more in the body",
		`{"code":"x","code":"y"}`:              `"code" occurs twice`,
		`{"code":"x","c\u006fde":"y"}`:         `"code" occurs twice`,
		`{"code":1,"a":{"b":[{"c":1,"c":2}]}}`: `"c" occurs twice`,
		"{\"code\":\"\xff\"}":                  "invalid UTF-8",
		"{\"\xff\":1}":                         "invalid UTF-8",
		`{"code":"\ud800"}`:                    "surrogate",
		`{"code":"\udc00x"}`:                   "surrogate",
		`{"code":"x",}`:                        "byte 11",
		`{code:"x"}`:                           "can't be read as JSON",
		`{"code":'x'}`:                         "can't be read as JSON",
		`{"code":"x" "timeout":1}`:             "can't be read as JSON",
		`{1:2}`:                                "can't be read as JSON",
		`{"code":nul}`:                         "can't be read as JSON",
		`{"timeout":NaN}`:                      "can't be read as JSON",
		`{"timeout":01}`:                       "can't be read as JSON",
		`{"timeout":.5}`:                       "can't be read as JSON",
		"{\"code\":\"a\nb\"}":                  "can't be read as JSON",
		`{"a":` + strings.Repeat("[", 20_000):  "max depth",
		"\xef\xbb\xbf{}":                       "can't be read as JSON", // a byte order mark
	} {
		_, err := decodeString(body)
		var bad *jsonError
		if !errors.As(err, &bad) || !strings.Contains(bad.detail, want) {
			t.Errorf("%.60q: got %v, want %q", body, err, want)
		}
	}
}

func TestDecodeFields(t *testing.T) {
	type e = fieldError
	for body, want := range map[string][]e{
		`{}`:                             {{"body.code", "required, but missing", nil}},
		`{"code":null}`:                  {{"body.code", "want a string, got null", nil}},
		`{"code":5}`:                     {{"body.code", "want a string, got a number", nil}},
		`{"code":["secret"]}`:            {{"body.code", "want a string, got an array", nil}},
		`{"code":"x","timeout":"5"}`:     {{"body.timeout", "want a number, got a string", []byte(`"5"`)}},
		`{"code":"x","timeout":null}`:    {{"body.timeout", "want a number, got null", []byte(`null`)}},
		`{"code":"x","timeout":true}`:    {{"body.timeout", "want a number, got a boolean", []byte(`true`)}},
		`{"code":"x","timeout":{"a":1}}`: {{"body.timeout", "want a number, got an object", nil}},
		`{"code":"x","timeout":0}`:       {{"body.timeout", "want more than 0 and at most 30 seconds", []byte(`0`)}},
		`{"code":"x","timeout":-0}`:      {{"body.timeout", "want more than 0 and at most 30 seconds", []byte(`-0`)}},
		`{"code":"x","timeout":1e-999}`:  {{"body.timeout", "want more than 0 and at most 30 seconds", []byte(`1e-999`)}},
		`{"code":"x","timeout":30.001}`:  {{"body.timeout", "want more than 0 and at most 30 seconds", []byte(`30.001`)}},
		`{"code":"x","timeout":1e999}`:   {{"body.timeout", "want more than 0 and at most 30 seconds", nil}},
		`{"code":"x","timeout":` + strings.Repeat("9", 65) + `}`: {{"body.timeout", "want more than 0 and at most 30 seconds", nil}},
		`{"code":"x","memory_mb":63}`:                            {{"body.memory_mb", "want at least 64 and at most 512 MiB", []byte(`63`)}},
		`{"code":"x","memory_mb":513}`:                           {{"body.memory_mb", "want at least 64 and at most 512 MiB", []byte(`513`)}},
		`{"code":"x","memory_mb":-1e999}`:                        {{"body.memory_mb", "want at least 64 and at most 512 MiB", nil}},
		`{"code":"x","memory_mb":128.5}`:                         {{"body.memory_mb", "want a whole number of MiB", []byte(`128.5`)}},
		`{"code":"x","memory_mb":"128"}`:                         {{"body.memory_mb", "want a number, got a string", []byte(`"128"`)}},
		`{"code":"x","Timeout":1}`:                               {{"body.Timeout", `unknown field "Timeout"; names are case-sensitive`, nil}},
		// All of them, in the order of the document; and before a blank code is one.
		`{"code":" ","x":{"y":[1]},"timeout":-1,"memory_mb":1}`: {
			{"body.x", `unknown field "x"; names are case-sensitive`, nil},
			{"body.timeout", "want more than 0 and at most 30 seconds", []byte(`-1`)},
			{"body.memory_mb", "want at least 64 and at most 512 MiB", []byte(`1`)},
		},
		`{"code":"x","` + strings.Repeat("é", 40) + `":1}`: {{
			"body." + strings.Repeat("é", 32) + "…",
			fmt.Sprintf("unknown field %q; names are case-sensitive", strings.Repeat("é", 32)+"…"), nil,
		}},
	} {
		_, err := decodeString(body)
		var bad *fieldErrors
		if !errors.As(err, &bad) {
			t.Errorf("%.60s: got %v", body, err)
			continue
		}
		got, _ := json.Marshal(bad.errors) //nolint:errchkjson // valid by the test's table
		wanted, _ := json.Marshal(want)    //nolint:errchkjson // the same
		if string(got) != string(wanted) {
			t.Errorf("%.60s:\ngot  %s\nwant %s", body, got, wanted)
		}
	}
}

func TestDecodeCountsWhatItDoesNotList(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"code":"x"`)
	for i := range 100 {
		fmt.Fprintf(&b, `,"field%d":0`, i)
	}
	b.WriteString(`}`)
	_, err := decodeString(b.String())
	var bad *fieldErrors
	if !errors.As(err, &bad) || len(bad.errors) != maxFieldErrors || bad.dropped != 100-maxFieldErrors {
		t.Fatalf("got %v", err)
	}
	if p := problemOf(err); !strings.Contains(p.Detail, "16 errors are listed, of 100") {
		t.Error(p.Detail)
	}
}

func TestDecodeBlank(t *testing.T) {
	for _, body := range []string{`{"code":""}`, `{"code":" \r\n\t\u00a0"}`} {
		if _, err := decodeString(body); !errors.Is(err, errBlank) {
			t.Errorf("%s: got %v", body, err)
		}
	}
}

// FuzzDecode: no panic, only the errors that are documented, and what was
// accepted says the same when it is written down again.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"code":"x"}`, `{"code":"print(42)","timeout":2.5,"memory_mb":128}`, `{"code":"\ud83d\ude00\u0000"}`,
		`{"code":"x","stdin":"é\n","args":["","a b"],"env":{"DEBUG":"1","APP_X":""}}`, `{"args":[[1]],"env":{"A":{}},"stdin":0}`,
		`{"timeout":1e999,"code":""}`, `{"a":{"b":[1,{"c":null}]},"code":1}`, `{"code":"x","code":"y"}`,
		"{\"code\":\"\xff\"}", `{"code":"\ud800"}`, `[]`, `{`, `{"code":"x"} x`, `{"memory_mb":6.4e1,"code":"é"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		job, err := decodeJob(newDecoder(append([]byte(nil), body...)), &testProfile)
		var (
			syntax *jsonError
			fields *fieldErrors
		)
		switch {
		case errors.As(err, &syntax), errors.Is(err, errBlank):
			return
		case errors.As(err, &fields):
			for _, e := range fields.errors {
				if len(e.Value) > maxEcho || len(e.Location) > maxEcho+20 || e.Location == "body.code" && e.Value != nil {
					t.Errorf("%q: %+v", body, e)
				}
				var v any
				if err := json.Unmarshal(e.Value, &v); e.Value != nil && err != nil {
					t.Errorf("%q: a decoder refuses the value: %v", body, err)
				}
			}
			return
		case err != nil:
			t.Fatalf("%q: undocumented error %v", body, err)
		}
		if most := testProfile.Limits; job.Limits.Timeout <= 0 || job.Limits.Timeout > most.MaxTimeout ||
			job.Limits.Memory < sandbox.MinMemory || job.Limits.Memory > most.Memory {
			t.Fatalf("%q: out of bounds: %+v", body, job.Limits)
		}
		env := make(map[string]string)
		for _, variable := range job.Env {
			name, value, ok := strings.Cut(variable, "=")
			if !ok || !testProfile.AllowsEnv(name) {
				t.Errorf("%q: variable %q", body, variable)
			}
			env[name] = value
		}
		stdin := stdinOf(t, job)
		again, err := json.Marshal(map[string]any{
			"code": job.Code, "timeout": job.Limits.Timeout.Seconds(), "memory_mb": int64(job.Limits.Memory),
			"stdin": stdin, "args": append([]string{}, job.Args...), "env": env,
		})
		if err != nil {
			t.Fatal(err)
		}
		second, err := decodeString(string(again))
		if err != nil || second.Code != job.Code || stdinOf(t, second) != stdin || !slices.Equal(second.Args, job.Args) ||
			len(second.Env) != len(job.Env) || second.Limits.Memory != job.Limits.Memory ||
			(second.Limits.Timeout-job.Limits.Timeout).Abs() > time.Microsecond {
			t.Errorf("%q became %s: %+v %v, was %+v", body, again, second, err, job)
		}
	})
}
