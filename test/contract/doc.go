// Package contract holds the tests of the HTTP contract. They build both
// mains, start each as a process of its own, and drive it over raw sockets:
// the same function must answer alike whether codecell's own server or the
// functions framework's stands in front of it, and what a well-behaved client
// never does (announces a body and sends none, leaves in the middle, does not
// read) is most of what they do. Every answer is held against the OpenAPI
// document that the server itself hands out.
//
// CONTRACT_BIN names a folder with codecell and framework to test instead of
// building them.
package contract
