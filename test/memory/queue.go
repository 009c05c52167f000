//go:build linux

package memory

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
	"time"

	"codecell/test/rawhttp"
)

// A Queue is how long a health check waits at a trivial server behind those who came at
// once before it, at the 99th percentile: everybody has to be accepted in the order in which
// the kernel has them. It is the machine's, a few ms on one and 40 on another.
type Queue time.Duration

const (
	queueFor     = 5 * time.Second // so many checks that a percentile is one
	queueTimeout = time.Minute
)

// MeasureQueue measures it at a server on the core that containers have, or with CPU
// [Quota] on any, in front of which headerClients are at once, again and again. trivial
// and livez are the binaries of these commands.
func MeasureQueue(ctx context.Context, trivial, livez string, cpu CPU) (q Queue, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("the queue of a trivial server here: %w", err)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, queueTimeout)
	defer cancel()
	server := exec.CommandContext(ctx, trivial, string(cpu))
	out, err := server.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := server.Start(); err != nil {
		return 0, err
	}
	defer func() {
		_ = server.Process.Kill()
		_ = server.Wait() // killed
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return 0, err
	}
	address := strings.TrimSpace(line)
	watch, err := startWatch(ctx, livez, "http://"+address)
	if err != nil {
		return 0, err
	}
	for began := time.Now(); err == nil && time.Since(began) < queueFor; {
		err = crowd(ctx, headerClients, func(context.Context, int) error { return askOnce(address) })
	}
	health, stopped := watch.stop()
	if err := errors.Join(err, stopped); err != nil {
		return 0, err
	}
	return Queue(health.Livez.P99), nil
}

// askOnce connects, asks and hangs up.
func askOnce(address string) error {
	c, err := rawhttp.Dial(address)
	if err != nil {
		return err
	}
	defer c.Leave()
	if err := c.Send(rawhttp.Request(http.MethodGet, "/livez", "")); err != nil {
		return err
	}
	_, err = c.Response(queueTimeout)
	return err
}

// ServeTrivially is the least of a server: it says where it listens, and answers with
// nothing until it is killed.
func ServeTrivially(cpu CPU) error {
	if cpu == Core {
		if err := takeCore(); err != nil {
			return err
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if _, err := io.WriteString(os.Stdout, l.Addr().String()+"\n"); err != nil {
		return err
	}
	return http.Serve(l, http.HandlerFunc(answerTrivially))
}

// answerTrivially says that all is well.
func answerTrivially(http.ResponseWriter, *http.Request) {}
