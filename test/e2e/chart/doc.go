// Package chart is one request that a user of the profile data-science makes, a CSV
// in, a chart and a summary out, and what has to come of it, looked at as a picture.
// The tests of the binary, of the container and of Knative's pod make it alike.
package chart
