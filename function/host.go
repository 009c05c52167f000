package function

import (
	"net"
	"net/netip"
	"strings"
)

// isLoopbackHost says whether a Host header names this machine to itself. A
// browser can be made to send a foreign name to 127.0.0.1 (DNS rebinding), and
// then takes the server for a part of that site: the same-origin checks pass.
// No Host at all, which HTTP/1.0 allows, is nothing that a browser sends.
func isLoopbackHost(host string) bool {
	if host == "" {
		return true
	}
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	if ip, err := netip.ParseAddr(name); err == nil {
		return ip.Unmap().IsLoopback()
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}
