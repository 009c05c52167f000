//go:build linux

// Command hold is a process that charges memory and waits to be killed, see
// [memory.MeasureStall].
//
//	hold core|quota
package main

import (
	"fmt"
	"os"

	"codecell/test/memory"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: hold core|quota")
		os.Exit(2)
	}
	if err := memory.Hold(memory.CPU(os.Args[1])); err != nil {
		fmt.Fprintln(os.Stderr, "hold:", err)
		os.Exit(1)
	}
}
