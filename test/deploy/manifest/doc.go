// Package manifest holds what we deploy to two sets of rules: those of the
// platform that reads it, in its owner's own types and validation, and the
// server's own, which no platform knows. Each wrong manifest is refused with a
// sentence that says what would happen.
package manifest
