// Package cell starts a built codecell binary and looks at it from outside:
// over HTTP and through /proc. It shares no code with the server, so that what
// it says of the server is what anybody else would see. The end-to-end suites
// and the benchmark stand on it.
package cell
