//go:build !linux

package sandbox

import (
	"context"
	"errors"
)

// Sandbox can't be had outside Linux.
type Sandbox struct{}

// Interpreter is the Python that was chosen.
type Interpreter struct {
	Path, Version, Note string
	Passed              []PassedOver
}

// PassedOver is a Python that was not chosen.
type PassedOver struct{ Path, Why string }

var errNotLinux = errors.New("sandbox: isolation is made of Linux's own layers; run this in a Linux container")

// New fails.
func New(context.Context, Config) (*Sandbox, error) { return nil, errNotLinux }

// ReapOrphans returns at once.
func ReapOrphans(context.Context) {}

// Run fails.
func (*Sandbox) Run(context.Context, Job) (Result, error) { return Result{}, errNotLinux }

// Ready fails.
func (*Sandbox) Ready() error { return errNotLinux }

// Profile returns nil.
func (*Sandbox) Profile() *Profile { return nil }

// Budget returns the zero Budget.
func (*Sandbox) Budget() Budget { return Budget{} }

// Layers returns nil.
func (*Sandbox) Layers() []Layer { return nil }

// Interpreter returns the zero Interpreter.
func (*Sandbox) Interpreter() Interpreter { return Interpreter{} }

// Runtime returns the zero Runtime.
func (*Sandbox) Runtime() Runtime { return Runtime{} }

// Counts returns the zero Counts.
func (*Sandbox) Counts() Counts { return Counts{} }

// Memory fails.
func (*Sandbox) Memory() (Memory, error) { return Memory{}, errNotLinux }

// Close does nothing.
func (*Sandbox) Close() error { return nil }
