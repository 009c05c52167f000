// Package prometheus asks a real Prometheus, which has scraped a real server after
// real traffic, what docs/operations.md says that it can be asked; and lets
// promtool try the alerts.
package prometheus
