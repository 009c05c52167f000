// Package monitoring holds deploy/monitoring and the queries of
// docs/operations.md to what the server really exports: every name, every label
// and, where the server has a closed list of them, every value.
package monitoring
