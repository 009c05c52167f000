package attack

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"unsafe"
)

// SecretName is the variable of the environment that holds the Secret.
const SecretName = "CODECELL_SECRET"

// Targets are what programs are after, in this process and on this machine.
type Targets struct {
	secret   []byte       // in this process's memory
	listener net.Listener // nil where there is no IPv4
	dir      string       // where everybody may make files; empty where there is no such place
}

// Aim sets targets up, in a process that is about to start a sandbox: a secret in
// its environment, which stays there, and in its memory; a port on the loopback
// interface; a directory for everybody. Close takes them away. Where a machine has no
// such place, what must be refused is an attempt that would fail anyhow.
func Aim() (*Targets, error) {
	if err := os.Setenv(SecretName, Secret); err != nil {
		return nil, err
	}
	t := &Targets{secret: []byte(Secret)}
	var err error
	if t.listener, err = net.Listen("tcp4", "127.0.0.1:0"); err != nil {
		t.listener = nil
	}
	for _, where := range []string{os.TempDir(), "/dev/shm"} {
		if t.dir, err = os.MkdirTemp(where, "codecell-attack-"); err != nil {
			continue // read-only, or not there; t.dir is empty
		}
		if err := errors.Join(os.Chmod(t.dir, 0o777), os.WriteFile(filepath.Join(t.dir, "file"), nil, 0o600)); err != nil {
			return nil, errors.Join(err, t.Close())
		}
		break
	}
	return t, nil
}

// Values are those of Refused for runs of an interpreter with so many MiB of address
// space.
func (t *Targets) Values(interpreter string, memory int64) map[string]string {
	dir, port := t.dir, "9" // discard
	if dir == "" {
		dir = "/"
	}
	if t.listener != nil {
		_, port, _ = net.SplitHostPort(t.listener.Addr().String()) // it is one
	}
	return map[string]string{
		"SERVER":        strconv.Itoa(os.Getpid()),
		"SERVER_SECRET": strconv.FormatUint(uint64(uintptr(unsafe.Pointer(&t.secret[0]))), 10),
		"SIZE":          strconv.Itoa(len(Secret)),
		"NAME":          SecretName,
		"SIGNAL":        "0", // which is asked for like any other and changes nothing (kill(2))
		"TCP":           port,
		"DIR":           dir,
		"FILE":          interpreter, // every run's user may read it
		"PROGRAM":       interpreter,
		"MEMORY":        strconv.FormatInt(memory, 10),
	}
}

// Close takes the port and the directory away.
func (t *Targets) Close() error {
	runtime.KeepAlive(&t.secret[0])
	var err error
	if t.listener != nil {
		err = t.listener.Close()
	}
	if t.dir != "" {
		err = errors.Join(err, os.RemoveAll(t.dir))
	}
	return err
}
