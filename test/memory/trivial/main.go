//go:build linux

// Command trivial is a trivial server, which waits to be killed, see
// [memory.MeasureQueue].
//
//	trivial core|quota
package main

import (
	"fmt"
	"os"

	"codecell/test/memory"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: trivial core|quota")
		os.Exit(2)
	}
	if err := memory.ServeTrivially(memory.CPU(os.Args[1])); err != nil {
		fmt.Fprintln(os.Stderr, "trivial:", err)
		os.Exit(1)
	}
}
