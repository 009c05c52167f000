//go:build !linux

package main

import "os"

// atTerminal is false where the product does not run.
func atTerminal(*os.File) bool { return false }
