// Package image builds the container image as its users do, with the Dockerfile,
// where no registry is reachable: what the Dockerfile takes from one is made of
// Debian packages and of this machine's own Go. It also writes the image's list
// of contents and weighs it; the tests hold it to what docs/deploy.md says of it.
//
//	make image                                      build, weigh, list
//	go test -tags e2e -v ./test/e2e/image/          and hold to its promises
//
// It needs root and Debian's packages podman, runc and mmdebstrap.
package image
