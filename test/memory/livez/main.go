//go:build linux

// Command livez asks a server for its health as a kubelet would but more often, and a
// trivial server of its own as well, until its standard input ends. Then it prints how
// long both took, as the JSON of memory.Health.
//
//	livez http://127.0.0.1:8080
//
// It is a process of its own so that what it measures is the server's delay: among
// hundreds of attacking clients in one process, a check would wait for those.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"codecell/test/memory"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: livez URL < until-it-ends")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "livez:", err)
		os.Exit(1)
	}
}

func run(url string) error {
	noise, err := memory.ProbeNoise()
	if err != nil {
		return err
	}
	livez := memory.ProbeLivez(url)
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(memory.Health{Livez: livez.Stop(), Noise: noise.Stop()})
}
