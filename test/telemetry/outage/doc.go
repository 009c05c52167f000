// Package outage takes the collector away from a server under load: killed,
// stopped so that it takes connections and never answers, or never there.
package outage
