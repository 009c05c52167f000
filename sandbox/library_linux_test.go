package sandbox

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

// Once sealed, the library can't be changed even by who holds it open.
func TestSealedLibraryStays(t *testing.T) {
	t.Parallel()
	file, err := newLibrary()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	const text = "import this"
	if _, err := file.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if size, err := sealLibrary(file); size != int64(len(text)) || err != nil {
		t.Fatalf("%d bytes, %v; want %d", size, err, len(text))
	}
	if _, err := file.WriteAt([]byte("x"), 0); !errors.Is(err, unix.EPERM) {
		t.Errorf("written to: %v", err)
	}
	if err := file.Truncate(0); !errors.Is(err, unix.EPERM) {
		t.Errorf("cut: %v", err)
	}
	if _, err := unix.Mmap(int(file.Fd()), 0, len(text), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); !errors.Is(err, unix.EPERM) {
		t.Errorf("mapped to be written to: %v", err)
	}
}
