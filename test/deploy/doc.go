// Package deploy is a Go module of its own, so that what platforms are made of
// (Knative, Kubernetes, Google's API client) stays out of the product's go.mod.
//
//   - manifest loads what `make deploy-cloudrun` and `make deploy-knative` would
//     apply into the owners' own types, and holds it to the server's own rules.
//
//   - pod runs the real queue-proxy of Knative in front of the real binary.
//
//     make deploy-check                    the manifests: seconds
//     go -C test/deploy test ./...         and queue-proxy, which is built first: minutes, once
//
// CODECELL_BIN names a binary to test; without it one is built.
package deploy
