// Package rawhttp is an HTTP/1.1 client without manners, for tests: it can stop
// in the middle of a request, leave while it is waited for, read slowly, or ask
// twice before it listens. net/http's client does none of this, so a server
// tested only with that one may be broken in all of these ways.
//
// It never repairs what it sends: the bytes given are the bytes on the wire.
package rawhttp

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// dialTimeout bounds the connect; tests talk to the same machine only.
const dialTimeout = 5 * time.Second

// Conn is one connection. It is used by one goroutine at a time.
type Conn struct {
	tcp *net.TCPConn
	in  *bufio.Reader
}

// Dial connects to addr, a host and port.
func Dial(addr string) (*Conn, error) {
	c, err := net.DialTimeout("tcp", addr, dialTimeout)
	if err != nil {
		return nil, err
	}
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return nil, fmt.Errorf("rawhttp: dialling tcp gave a %T", c)
	}
	return &Conn{tcp: tcp, in: bufio.NewReader(tcp)}, nil
}

// Send writes these bytes, whatever they are.
func (c *Conn) Send(raw string) error {
	_, err := io.WriteString(c.tcp, raw)
	return err
}

// Leave closes the connection in the ordinary way (FIN).
func (c *Conn) Leave() error { return c.tcp.Close() }

// Reset drops the connection at once (RST), with all that is unsent or unread.
func (c *Conn) Reset() error {
	if err := c.tcp.SetLinger(0); err != nil {
		return err
	}
	return c.tcp.Close()
}

// StopSending ends this side of the connection only (FIN after a shutdown(2)):
// answers can still be read.
func (c *Conn) StopSending() error { return c.tcp.CloseWrite() }

// ShrinkWindow bounds what the kernel takes in on the reader's behalf, so that
// a client that does not read is felt by the server soon.
func (c *Conn) ShrinkWindow(bytes int) error { return c.tcp.SetReadBuffer(bytes) }

// Response is one whole answer.
type Response struct {
	Status int
	Header http.Header
	Close  bool // the server says that it will close the connection
	Body   []byte
}

func (r Response) String() string { return fmt.Sprintf("%d %s", r.Status, r.Body) }

// Response reads the next answer, which must be complete within that time. An
// interim answer (1xx) counts as one.
func (c *Conn) Response(within time.Duration) (Response, error) {
	return c.responseTo(http.MethodPost, within)
}

// HeadResponse reads the next answer as one to a HEAD request: without a body,
// whatever its Content-Length says.
func (c *Conn) HeadResponse(within time.Duration) (Response, error) {
	return c.responseTo(http.MethodHead, within)
}

func (c *Conn) responseTo(method string, within time.Duration) (Response, error) {
	if err := c.tcp.SetReadDeadline(time.Now().Add(within)); err != nil {
		return Response{}, err
	}
	resp, err := http.ReadResponse(c.in, &http.Request{Method: method})
	if err != nil {
		return Response{}, fmt.Errorf("rawhttp: no answer: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return Response{}, fmt.Errorf("rawhttp: %d with a body cut off after %d bytes: %w", resp.StatusCode, len(body), err)
	}
	return Response{Status: resp.StatusCode, Header: resp.Header, Close: resp.Close, Body: body}, nil
}

// Answered waits until the first byte of an answer is there, and leaves it to be
// read. The error says why there is none; a later call may still see one.
func (c *Conn) Answered(within time.Duration) error {
	if err := c.tcp.SetReadDeadline(time.Now().Add(within)); err != nil {
		return err
	}
	_, err := c.in.Peek(1)
	return err
}

// ReadAtMost reads up to n bytes of whatever comes next, for a reader that is
// slow or stops. It returns fewer than n only with an error.
func (c *Conn) ReadAtMost(n int, within time.Duration) ([]byte, error) {
	if err := c.tcp.SetReadDeadline(time.Now().Add(within)); err != nil {
		return nil, err
	}
	b := make([]byte, n)
	got, err := io.ReadFull(c.in, b)
	return b[:got], err
}

// Closed says whether the server ends the connection within that time, without
// another byte of an answer.
func (c *Conn) Closed(within time.Duration) bool {
	b, err := c.ReadAtMost(1, within)
	timeout, ok := err.(net.Error) //nolint:errorlint // net's own read error is never wrapped here
	return len(b) == 0 && err != nil && (!ok || !timeout.Timeout())
}

// Request returns the bytes of a request with these header lines, each "Name:
// value", after a Host line. A body is sent as it is; give its Content-Length
// (or Transfer-Encoding) yourself.
func Request(method, target, body string, header ...string) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", method, target)
	if !hasHost(header) {
		b.WriteString("Host: localhost\r\n")
	}
	for _, line := range header {
		b.WriteString(line + "\r\n")
	}
	b.WriteString("\r\n" + body)
	return b.String()
}

func hasHost(header []string) bool {
	for _, line := range header {
		if name, _, ok := strings.Cut(line, ":"); ok && strings.EqualFold(name, "Host") {
			return true
		}
	}
	return false
}

// PostJSON returns the headers of a POST that announces length bytes of JSON,
// and then body, which may be shorter than announced.
func PostJSON(target, body string, length int, header ...string) string {
	header = append([]string{
		"Content-Type: application/json",
		fmt.Sprintf("Content-Length: %d", length),
	}, header...)
	return Request(http.MethodPost, target, body, header...)
}
