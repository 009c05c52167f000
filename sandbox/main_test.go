package sandbox

import (
	"os"
	"testing"
)

// TestMain lets this test binary be the server's binary: zygotes are launched by
// re-executing it.
func TestMain(m *testing.M) {
	Init()
	os.Exit(m.Run())
}
