//go:build e2e && linux

package e2e

import (
	"testing"

	"codecell/test/e2e/cell"
)

// TestNetworks starts the server in a network namespace with the loopback addresses of
// either family, both, or as a machine has them where sockets for IPv6 take no IPv4: it
// answers at each of them, with LOCAL_ONLY at one.
func TestNetworks(t *testing.T) {
	requireRoot(t)
	requireCommand(t, "ip")
	const up = "ip link set lo up"
	for _, n := range []struct {
		name, setup string
		v4, v6      bool // what is there
		alone       string
	}{
		{"both", up, true, true, "127.0.0.1"},
		{"::1 alone", up + " && ip address delete 127.0.0.1/8 dev lo", false, true, "::1"},
		{"no IPv6", "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6 && " + up, true, false, "127.0.0.1"},
		{"sockets for one family", "echo 1 > /proc/sys/net/ipv6/bindv6only && " + up, true, true, "127.0.0.1"},
	} {
		wrap := append([]string{"unshare", "--net"}, sh(n.setup)...)
		for host, there := range map[string]bool{"127.0.0.1": n.v4, "::1": n.v6} {
			for _, local := range []string{"false", "true"} {
				if !there || local == "true" && host != n.alone {
					continue
				}
				t.Run(n.name+"/"+host+"/LOCAL_ONLY="+local, func(t *testing.T) {
					s := start(t, cell.Options{Wrap: wrap, Env: []string{"LOCAL_ONLY=" + local}, Host: host, OwnNetwork: true})
					if a := execute(t, client(t, s), cell.Request{Code: "print(42)"}); !a.OK("42\n") {
						t.Errorf("print(42): %s", a)
					}
				})
			}
		}
	}
}
