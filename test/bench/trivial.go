//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
)

// trivialCommand, as the one argument, makes this program the trivial server.
const trivialCommand = "serve-trivially"

// trivialServer is another process with the least of a Go server in it: what it
// takes is the client's, the network's and net/http's share.
type trivialServer struct {
	address string
	cmd     *exec.Cmd
	in      io.Closer
}

func startTrivial(ctx context.Context) (*trivialServer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	t := &trivialServer{cmd: exec.CommandContext(ctx, self, trivialCommand)}
	t.cmd.Stderr = os.Stderr
	if t.in, err = t.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := t.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := t.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the trivial server said %q: %w", line, err), t.close())
	}
	t.address = strings.TrimSpace(line)
	return t, nil
}

// close ends the server by ending its input.
func (t *trivialServer) close() error {
	t.in.Close()
	return t.cmd.Wait()
}

// serveTrivially says where it listens, and serves until its input ends.
func serveTrivially() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	server := &http.Server{Handler: http.HandlerFunc(answerTrivially)}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // an error is an end as well
		server.Close()
	}()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// answerTrivially answers as a run of print(42) would be answered, in short.
func answerTrivially(w http.ResponseWriter, req *http.Request) {
	if _, err := io.Copy(io.Discard, req.Body); err != nil {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, "{"+print42.want+"}\n") // the client notices if it fails
}
