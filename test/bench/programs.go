//go:build linux

package main

import (
	_ "embed"
	"encoding/json"
	"net/http"
)

// A sample program, what has to come of it, and how often it is run in one round.
type sample struct {
	name  string
	code  string
	times int

	status int    // of the answer
	want   string // in the answer's body, as JSON has it

	// Of the bare fork.
	bareWant   string // in what it prints
	bareStatus int    // its exit status
	parse      bool   // it is parsed only, which is all that a refusal needs
}

//go:embed hundred.py
var hundred string

// print42 is the program of every measurement that needs but one.
var print42 = sample{
	name: "print(42)", code: "print(42)", times: 400,
	status: http.StatusOK, want: `"stdout":"42\n"`, bareWant: "42\n",
}

// programs are all of them.
var programs = []sample{
	print42,
	{
		name: "a program of 100 lines", code: hundred, times: 200,
		status: http.StatusOK, want: `sum 1552.0\n"`, bareWant: "sum 1552.0\n",
	},
	{
		name: "1 MB of output", code: `print(("x" * 99 + "\n") * 10_000, end="")`, times: 150,
		status: http.StatusOK, want: `"truncated":{"stdout":true`, bareWant: "xxx\n",
	},
	{
		name: "10,000 prints", code: "for i in range(10_000):\n    print(i)\n", times: 50,
		status: http.StatusOK, want: `\n9999\n"`, bareWant: "\n9999\n",
	},
	{
		name: "refused by the policy", code: "import os\nprint(eval('1'))\n", times: 200,
		status: http.StatusBadRequest, want: "Line 2: use of 'eval' is not allowed", parse: true,
	},
	{
		name: "an uncaught exception", code: "def half(x):\n    return x / 0\n\nhalf(4)\n", times: 200,
		status: http.StatusOK, want: `ZeroDivisionError: division by zero\n"`,
		bareWant: "ZeroDivisionError: division by zero\n", bareStatus: 1,
	},
}

// body is the request's.
func (s sample) body() string { return executeBody(s.code) }

func executeBody(code string) string {
	text, err := json.Marshal(map[string]string{"code": code})
	if err != nil {
		panic(err) // a map of strings can be written
	}
	return string(text)
}
