// Command seccompprofile prints the seccomp profile that containerd, and so a
// Kubernetes pod with RuntimeDefault, gives to a container without capabilities:
// as JSON, which podman, docker and runc take alike.
//
//	cd test/prove/seccompprofile && go run . >../containerd.json
//
// The version of containerd is in go.mod; this is a module of its own so that the
// product does not depend on it. It must be run on Linux 4.8 or later, because
// the profile is made for the kernel that it is made on, on amd64 or arm64.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/containerd/containerd/v2/contrib/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
)

func main() {
	profile := seccomp.DefaultProfile(&specs.Spec{Process: &specs.Process{
		Capabilities: &specs.LinuxCapabilities{}, // all are dropped
	}})
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", " ")
	if err := out.Encode(profile); err != nil {
		fmt.Fprintln(os.Stderr, "seccompprofile:", err)
		os.Exit(1)
	}
}
