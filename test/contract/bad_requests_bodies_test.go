//go:build linux

package contract

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf16"
)

// printing is the text of a good body, which many bad ones are made of.
const printing = `{"code":"print(42)"}`

// Bodies that are not one JSON object, or not with code in it; all of them come
// whole, so that the connection lives on.
func badBodies() []badRequest {
	const notObject = "The body is not a JSON object."
	const more = "There is more in the body after the JSON object."
	const ends = "The JSON ends before the object does."
	const empty = "The body is empty."
	requests := []badRequest{
		{name: "one more than fits, by Content-Length", r: sized(maxBody + 1), want: []reply{tooLarge}},
		{name: "one more than fits, in chunks", r: inChunks(sized(maxBody + 1)), want: []reply{tooLarge}},
		{name: "chunks without end", raw: strings.TrimSuffix(inChunks(sized(maxBody+1)).raw(), "0\r\n\r\n"), want: []reply{tooLarge}},
		{name: "just what fits", r: sized(maxBody), want: []reply{printed("1\n")}},
		{name: "just what fits, in chunks", r: inChunks(sized(maxBody)), want: []reply{printed("1\n")}},
	}
	for _, b := range []struct {
		name, body string
		want       reply
	}{
		{"nothing", "", malformed(empty)},
		{"white space", " \r\n\t", malformed(empty)},
		{"1 MiB of white space", strings.Repeat(" ", maxBody), malformed(empty)},
		{"blank code", `{"code":" \n\t"}`, blankCode},
		{"blank code, not in ASCII", `{"code":"\u00a0\u2003\u3000"}`, blankCode},
		{"forbidden imports", `{"code":"import math\nimport os\nfrom sys import path"}`, outlawed("Line 2: import of 'os' is not allowed (not in allowed imports)", "Line 3: import of 'sys' is not allowed (not in allowed imports)")},
		{"no syntax", `{"code":"x = 1\nprint("}`, outlawed("SyntaxError: '(' was never closed (line 2)")},
		{"no code", `{}`, invalid("body.code: required, but missing")},

		{"binary", "\x00\x01\x02\xff\xfe", unreadable(`invalid character '\x00' at start of value at byte 0`)},
		{"1 MiB of NUL", strings.Repeat("\x00", maxBody), unreadable(`invalid character '\x00' at start of value at byte 0`)},
		{"an ELF file", "\x7fELF\x02\x01\x01", unreadable(`invalid character '\x7f' at start of value at byte 0`)},
		{"gzip, not announced", gzipped(printing), unreadable(`invalid character '\x1f' at start of value at byte 0`)},
		{"a form", "code=print(42)", unreadable("invalid character 'c' at start of value at byte 0")},
		{"a program", "print(42)", unreadable("invalid character 'p' at start of value at byte 0")},
		{"XML", "<code/>", unreadable("invalid character '<' at start of value at byte 0")},

		{"an array", "[]", malformed(notObject)},
		{"a string", `"print(42)"`, malformed(notObject)},
		{"a number", "42", malformed(notObject)},
		{"a huge number", strings.Repeat("9", maxBody), malformed(notObject)},
		{"null", "null", malformed(notObject)},
		{"true", "true", malformed(notObject)},
		{"half of true", "tr", malformed(notObject)},

		{"cut off after the brace", "{", malformed(ends)},
		{"cut off in a name", `{"co`, malformed(ends)},
		{"cut off after a name", `{"code"`, malformed(ends)},
		{"cut off after a colon", `{"code":`, malformed(ends)},
		{"cut off in a string", `{"code":"print`, malformed(ends)},
		{"cut off in an escape", `{"code":"\u00`, malformed(ends)},
		{"cut off in a character", "{\"code\":\"\xc3", malformed(ends)},
		{"cut off in a surrogate pair", `{"code":"\ud83d`, malformed(ends)},
		{"cut off after a string", `{"code":"print(42)"`, malformed(ends)},
		{"cut off after a comma", `{"code":"print(42)",`, malformed(ends)},
		{"cut off in a number", `{"timeout":1.`, malformed(ends)},

		{"two objects", printing + printing, malformed(more)},
		{"a brace too many", printing + "}", malformed(more)},
		{"a comma behind it", printing + ",", malformed(more)},
		{"a NUL behind it", printing + "\x00", malformed(more)},
		{"a comment behind it", printing + " // fine", malformed(more)},
		{"half a value behind it", printing + `"`, malformed(more)},
		{"white space behind it", printing + "\r\n\t ", printed("42\n")},
		{"a comma within", `{"code":"print(42)",}`, unreadable("invalid character ',' at start of value at byte 19")},
		{"a comment within", `{/*fine*/"code":"print(42)"}`, unreadable("invalid character '/' at start of value at byte 1")},
		{"no quotes", `{code:"print(42)"}`, unreadable("invalid character 'c' at start of value at byte 1")},
		{"single quotes", `{'code':'print(42)'}`, unreadable(`invalid character '\'' at start of value at byte 1`)},
		{"a name that is a number", `{1:"print(42)"}`, unreadable("object member name must be a string at byte 1")},
		{"no colon", `{"code" "print(42)"}`, unreadable(`invalid character '"' after object name (expecting ':') at byte 8`)},
		{"no comma", `{"code":"print(42)" "timeout":1}`, unreadable(`invalid character '"' after object value (expecting ',' or '}') at byte 20`)},
		{"half of null", `{"code":nul}`, unreadable("invalid character '}' in literal null (expecting 'l') at byte 11")},
		{"a raw line feed", "{\"code\":\"print(42)\n\"}", unreadable(`invalid character '\n' in string (expecting non-control character) at byte 18`)},
		{"a raw NUL", "{\"code\":\"print(42)\x00\"}", unreadable("invalid character '\\x00' in string (expecting non-control character) at byte 18")},
		{"an unknown escape", `{"code":"\x41"}`, unreadable("invalid escape sequence `\\x` in string at byte 9")},
		{"NaN", `{"code":"print(42)","timeout":NaN}`, unreadable("invalid character 'N' at start of value at byte 30")},
		{"Infinity", `{"code":"print(42)","timeout":Infinity}`, unreadable("invalid character 'I' at start of value at byte 30")},
		{"a leading zero", `{"code":"print(42)","timeout":01}`, unreadable("invalid character '1' after object value (expecting ',' or '}') at byte 31")},
		{"a leading plus", `{"code":"print(42)","timeout":+1}`, unreadable("invalid character '+' at start of value at byte 30")},
		{"a leading point", `{"code":"print(42)","timeout":.5}`, unreadable("invalid character '.' at start of value at byte 30")},
		{"a hexadecimal number", `{"code":"print(42)","timeout":0x1}`, unreadable("invalid character 'x' after object value (expecting ',' or '}') at byte 31")},

		{"arrays, 100,000 deep", `{"code":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "}", unreadable("exceeded max depth at byte 10007")},
		{"objects, 100,000 deep", `{"code":` + strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_001), unreadable("exceeded max depth at byte 50003")},
		{"arrays, 1,000,000 deep and cut off", `{"code":` + strings.Repeat("[", 1_000_000), unreadable("exceeded max depth at byte 10007")},
		{"duplicate names", `{"code":"print(1)","code":"print(2)"}`, malformed(`The name "code" occurs twice in one object.`)},
		{"duplicate names, one escaped", `{"code":"print(1)","c\u006fde":"print(2)"}`, malformed(`The name "code" occurs twice in one object.`)},
		{"duplicate names, deep", `{"code":[{"a":{"b":1,"b":2}}]}`, malformed(`The name "b" occurs twice in one object.`)},
		{"duplicate names, unknown ones", `{"x":1,"x":1}`, malformed(`The name "x" occurs twice in one object.`)},
		{"duplicate names, long ones", fmt.Sprintf(`{"%[1]s":1,"%[1]s":1}`, strings.Repeat("x", 1000)), malformed(`The name "` + strings.Repeat("x", 64) + `…" occurs twice in one object.`)},
		{"duplicate names, hostile ones", `{"\"\n\u0000":1,"\"\n\u0000":1}`, malformed(`The name "\"\n\x00" occurs twice in one object.`)},

		{"BOM", "\ufeff" + printing, unreadable(`invalid character '\ufeff' at start of value at byte 0`)},
		{"only a BOM", "\ufeff", unreadable(`invalid character '\ufeff' at start of value at byte 0`)},
		{"UTF-16, big-endian", inUTF16(printing, true), unreadable("invalid character '\\xfe' at start of value at byte 0")},
		{"UTF-16, little-endian", inUTF16(printing, false), unreadable("invalid character '\\xff' at start of value at byte 0")},
		{"Latin-1", "{\"code\":\"print('\xe9')\"}", unreadable("invalid UTF-8 at byte 16")},
		{"invalid UTF-8", "{\"code\":\"print('\xff')\"}", unreadable("invalid UTF-8 at byte 16")},
		{"invalid UTF-8 in a name", "{\"\xff\":1}", unreadable("invalid UTF-8 at byte 2")},
		{"UTF-8, overlong", "{\"code\":\"\xc0\xaf\"}", unreadable("invalid UTF-8 at byte 9")},
		{"UTF-8 of a surrogate", "{\"code\":\"\xed\xa0\x80\"}", unreadable("invalid UTF-8 at byte 9")},
		{"UTF-8 beyond Unicode", "{\"code\":\"\xf4\x90\x80\x80\"}", unreadable("invalid UTF-8 at byte 9")},
		{"a lone high surrogate", `{"code":"print('\ud800')"}`, unreadable("invalid surrogate pair `\\ud800')\"}` in string at byte 16")},
		{"a lone low surrogate", `{"code":"print('\udc00')"}`, unreadable("invalid surrogate pair `\\udc00')\"}` in string at byte 16")},
		{"a lone surrogate in a name", `{"\ud800":1}`, unreadable("invalid surrogate pair `\\ud800\":1}` in string at byte 2")},
	} {
		requests = append(requests, badRequest{name: b.name, r: execute(b.body), want: []reply{b.want}})
	}
	return requests
}

// outlawed is the policy's refusal.
func outlawed(violations ...string) reply {
	return reply{status: http.StatusBadRequest, slug: "policy", says: "The program was not run. The violations are listed.", listed: violations}
}

func inChunks(r request) request {
	r.chunked = true
	return r
}

func gzipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text)) // into memory
	_ = w.Close()
	return b.String()
}

// inUTF16 is text in that byte order, behind its mark.
func inUTF16(text string, bigEndian bool) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune("\ufeff" + text)) {
		high, low := byte(unit>>8), byte(unit)
		if !bigEndian {
			high, low = low, high
		}
		b.Write([]byte{high, low})
	}
	return b.String()
}

// Objects whose members are not what they must be.
func badFields() []badRequest {
	const time, memory = "want more than 0 and at most 30 seconds", "want at least 64 and at most 512 MiB"
	var requests []badRequest
	add := func(name, body string, want reply) {
		requests = append(requests, badRequest{name: name, r: execute(body), want: []reply{want}})
	}
	types := []struct{ value, name, echo string }{
		{"null", "null", " (null)"}, {"true", "a boolean", " (true)"}, {"42", "a number", " (42)"}, {`"5"`, "a string", ` ("5")`}, {"[5]", "an array", ""}, {`{"a":5}`, "an object", ""},
	}
	for _, v := range types {
		if v.name != "a string" { // code is never said back
			add("code: "+v.value, fmt.Sprintf(`{"code":%s}`, v.value), invalid("body.code: want a string, got "+v.name))
		}
		if v.name != "a number" {
			for _, field := range []string{"timeout", "memory_mb"} {
				add(field+": "+v.value, fmt.Sprintf(`{"code":"print(42)",%q:%s}`, field, v.value), invalid("body."+field+": want a number, got "+v.name+v.echo))
			}
		}
	}
	for _, n := range []struct{ field, value, message string }{
		{"timeout", "0", time},
		{"timeout", "-0", time},
		{"timeout", "-1", time},
		{"timeout", "30.001", time},
		{"timeout", "31", time},
		{"timeout", "1e999", time},
		{"timeout", "-1e999", time},
		{"timeout", "1e-999", time},
		{"timeout", "9223372036854775808", time},
		{"memory_mb", "0", memory},
		{"memory_mb", "-0", memory},
		{"memory_mb", "-64", memory},
		{"memory_mb", "63", memory},
		{"memory_mb", "513", memory},
		{"memory_mb", "1.5", memory},
		{"memory_mb", "64.5", "want a whole number of MiB"},
		{"memory_mb", "511.999", "want a whole number of MiB"},
		{"memory_mb", "1e999", memory},
		{"memory_mb", "1e-999", memory},
		{"memory_mb", "9223372036854775808", memory},
		{"memory_mb", "18446744073709551680", memory}, // 2^64 + 64
	} {
		want := "body." + n.field + ": " + n.message
		if !strings.HasSuffix(n.value, "e999") { // what no float64 holds is not said back
			want += " (" + n.value + ")"
		}
		add(n.field+": "+n.value, fmt.Sprintf(`{"code":"print(42)",%q:%s}`, n.field, n.value), invalid(want))
	}
	for _, body := range []string{
		`"timeout":1.5`, `"timeout":30`, `"timeout":3e1`, `"timeout":1E0`, `"memory_mb":64`, `"memory_mb":512`, `"memory_mb":64.0`, `"memory_mb":6.4e1`, `"timeout":30,"memory_mb":512`,
	} {
		add(body, `{"code":"print(42)",`+body+"}", printed("42\n"))
	}
	nines := strings.Repeat("9", 1000)
	add("timeout: 1,000 digits", `{"code":"print(42)","timeout":`+nines+"}", invalid("body.timeout: "+time))
	add("memory_mb: 1,000 digits", `{"code":"print(42)","memory_mb":`+nines+"}", invalid("body.memory_mb: "+memory))
	add("timeout: 1 MB of a string", `{"code":"print(42)","timeout":"`+strings.Repeat("x", 1_000_000)+`"}`, invalid("body.timeout: want a number, got a string"))
	add("an unknown name", `{"code":"print(42)","colour":5}`, invalid(`body.colour: unknown field "colour"; names are case-sensitive`))
	add("a name in capitals", `{"Code":"print(42)"}`, invalid(`body.Code: unknown field "Code"; names are case-sensitive`, "body.code: required, but missing"))
	add("an empty name", `{"code":"print(42)","":1}`, invalid(`body.: unknown field ""; names are case-sensitive`))
	add("a name with a NUL", `{"code":"print(42)","\u0000":1}`, invalid("body.\x00: unknown field \"\\x00\"; names are case-sensitive"))
	add("a prototype", `{"code":"print(42)","__proto__":{"timeout":1}}`, invalid(`body.__proto__: unknown field "__proto__"; names are case-sensitive`))
	add("a name of 1 MB", `{"code":"print(42)","`+strings.Repeat("x", 1_000_000)+`":1}`, invalid(fmt.Sprintf(`body.%[1]s…: unknown field "%[1]s…"; names are case-sensitive`, strings.Repeat("x", 64))))
	add("everything wrong", `{"code":1,"timeout":"","memory_mb":-1,"x":[]}`, invalid("body.code: want a string, got a number", `body.timeout: want a number, got a string ("")`, "body.memory_mb: "+memory+" (-1)", `body.x: unknown field "x"; names are case-sensitive`))
	add("100,000 unknown names", manyNames(100_000), manyInvalid(100_000))
	return requests
}

// manyNames is an object of n members that nobody knows.
func manyNames(n int) string {
	var b strings.Builder
	b.WriteString(`{"code":"1"`)
	for i := range n {
		fmt.Fprintf(&b, `,"%d":0`, i)
	}
	return b.String() + "}"
}

// manyInvalid is the answer to it: 16 of them are told.
func manyInvalid(n int) reply {
	r := reply{status: http.StatusUnprocessableEntity, slug: "invalid-fields", says: fmt.Sprintf("The first 16 errors are listed, of %d.", n)}
	for i := range 16 {
		r.listed = append(r.listed, fmt.Sprintf(`body.%[1]d: unknown field "%[1]d"; names are case-sensitive`, i))
	}
	return r
}
