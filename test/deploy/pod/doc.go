// Package pod runs what a pod of Knative's has in it: the real queue-proxy, of
// the version in go.mod, in front of the real server, both set up as
// deploy/knative says. Neither knows that there is no cluster.
//
// Like a pod, the tests have a network of their own, with nothing in it but the
// loopback interface: queue-proxy opens some ports whose numbers can't be chosen,
// on every interface there is.
package pod
