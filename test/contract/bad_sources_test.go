//go:build linux

package contract

import "strings"

// Sources that the policy's parser meets: whatever it makes of them is the
// program's own business, and told in one line.
var badSources = []badProgram{
	{name: "NUL", code: "print(1)\x00", want: refused("SyntaxError: source code string cannot contain null bytes (line 1)")},
	{name: "only NUL", code: "\x00", want: refused("SyntaxError: source code string cannot contain null bytes (line 1)")},
	{name: "NUL in a string", code: "x = '\x00'", want: refused("SyntaxError: source code string cannot contain null bytes (line 1)")},
	{name: "lone high surrogate", body: `{"code":"print('\ud800')"}`, want: refused("Malformed JSON")},
	{name: "lone low surrogate", body: `{"code":"print('\udfff')"}`, want: refused("Malformed JSON")},
	{name: "surrogates the wrong way round", body: `{"code":"print('\ude00\ud83d')"}`, want: refused("Malformed JSON")},
	{name: "surrogate pair", body: `{"code":"print('\ud83d\ude00')"}`, want: well("😀\n")},
	{name: "BOM", code: "\ufeffprint(1)", want: well("1\n")},
	{name: "two BOMs", code: "\ufeff\ufeffprint(1)", want: refused("SyntaxError: invalid non-printable character U+FEFF (line 1)")},
	{name: "only a BOM", code: "\ufeff", want: well("")},
	{name: "CRLF", code: "if True:\r\n    print('''a\r\nb''')\r\n", want: well("a\nb\n")},
	{name: "CR", code: "if True:\r    print(1)\rprint(2)\r", want: well("1\n2\n")},
	{name: "form feed", code: "\fprint(1)\n\f\nprint(2)", want: well("1\n2\n")},
	{name: "coding cookie", code: "# -*- coding: utf-8 -*-\nprint('é')", want: well("é\n")},
	{name: "another coding", code: "# coding: latin-1\nprint('é')", want: well("Ã©\n")}, // as python3 reads a file
	{name: "unknown coding", code: "# coding: nothing\nprint(1)", want: refused("SyntaxError: unknown encoding: nothing (line 1)")},
	{name: "coding against BOM", code: "\ufeff# coding: latin-1\nprint(1)", want: refused("SyntaxError: encoding problem: iso-8859-1 with BOM (line 1)")},
	{name: "nested parentheses", code: strings.Repeat("(", 100_000) + strings.Repeat(")", 100_000), want: refused("SyntaxError: too many nested parentheses (line 1)")},
	{name: "nested lists", code: strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000), want: refused("SyntaxError: too many nested parentheses (line 1)")},
	{name: "open parentheses", code: strings.Repeat("(", 100_000), want: refused("SyntaxError: too many nested parentheses (line 1)")},
	{name: "minus signs", code: strings.Repeat("-", 100_000) + "1", want: refused("SyntaxError: …")},
	{name: "long sum", code: "x = 1" + strings.Repeat("+1", 250_000), want: refused("…")},
	{name: "chained calls", code: "f" + strings.Repeat("()", 250_000), want: refused("…")},
	{name: "indents", code: indents(200), want: refused("SyntaxError: too many levels of indentation (line 101)")},
	{name: "long integer", code: "x = " + strings.Repeat("9", 100_000), want: refused("SyntaxError: Exceeds the limit (4300 digits) for integer string conversion…")},
	{name: "long line", code: "x = '" + strings.Repeat("a", 1_000_000) + "'\nprint(len(x))", want: well("1000000\n")},
	{name: "long comment", code: "print(1) #" + strings.Repeat("a", 1_000_000), want: well("1\n")},
	{name: "long name", code: strings.Repeat("a", 1_000_000) + " = 1\nprint(1)", want: well("1\n")},
	{name: "long list", code: "x = [" + strings.Repeat("1,", 499_990) + "]\nprint(len(x))", want: well("499990\n")},
	{name: "many lines", code: strings.Repeat("\n", 500_000) + "print(1)", want: well("1\n")},
	{name: "many violations", code: strings.Repeat("import os\n", 50_000), want: refused("Line 1: import of 'os' is not allowed…")},
}

// The same parser where the policy only observes: a source that is no program
// fails as python3 has it.
var observedSources = []badProgram{
	{name: "NUL", code: "print(1)\x00", want: failed(1, "", "…Error: source code string cannot contain null bytes\n")},
	{name: "nested parentheses", code: strings.Repeat("(", 10_000), want: failed(1, "", "…\nSyntaxError: too many nested parentheses\n")},
	{name: "no syntax", code: "print(1)\nprint(", want: failed(1, "", "  File \"main.py\", line 2\n    print(\n         ^\nSyntaxError: '(' was never closed\n")},
	{name: "unknown coding", code: "# coding: nothing\nprint(1)", want: failed(1, "", "  File \"main.py\", line 0\nSyntaxError: unknown encoding: nothing\n")},
	{name: "two BOMs", code: "\ufeff\ufeffprint(1)", want: failed(1, "", "…SyntaxError: invalid non-printable character U+FEFF\n")},
	{name: "long line that fails", code: "1/0 #" + strings.Repeat("a", 1_000_000), want: longTraceback},
}

// longTraceback shows the source's line, as far as there is room.
var longTraceback = ending{
	status: 200, outcome: "failed", exit: 1, cutStderr: true,
	stderr: "Traceback (most recent call last):\n  File \"main.py\", line 1, in <module>\n    1/0 #aaa…\n[output truncated at 50 KB]",
}

// indents is a program that goes that many levels deep.
func indents(levels int) string {
	var b strings.Builder
	for n := range levels {
		b.WriteString(strings.Repeat(" ", n) + "if 1:\n")
	}
	return b.String() + strings.Repeat(" ", levels) + "pass"
}
