//go:build linux

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// rawClient sends one and the same request over one TCP connection. net/http's
// client would cost two goroutines and as many context switches for each.
type rawClient struct {
	conn    net.Conn
	in      *bufio.Reader
	request []byte
	body    []byte // of the last answer
}

// newRawClient connects to an address and prepares a POST of a JSON body.
func newRawClient(address, path, body string) (*rawClient, error) {
	conn, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		return nil, err
	}
	request := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		path, address, len(body), body)
	return &rawClient{conn: conn, in: bufio.NewReader(conn), request: request}, nil
}

// do sends the request and reads the whole answer, whose length the head has to
// give. It returns the status; c.body holds until the next call.
func (c *rawClient) do() (status int, err error) {
	if err := c.conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return 0, err
	}
	if _, err := c.conn.Write(c.request); err != nil {
		return 0, err
	}
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < len("HTTP/1.1 200") {
		return 0, fmt.Errorf("answer begins with %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, err
	}
	length := -1
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			break
		}
		name, value, _ := strings.Cut(string(line), ":")
		if strings.EqualFold(name, "Content-Length") {
			if length, err = strconv.Atoi(strings.TrimSpace(value)); err != nil {
				return 0, err
			}
		}
	}
	if length < 0 {
		return 0, fmt.Errorf("answer %d without Content-Length", status)
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	c.body = c.body[:length]
	_, err = io.ReadFull(c.in, c.body)
	return status, err
}

// measure sends the request n times, one after the other; each has to be
// answered 200 with want in the body.
func (c *rawClient) measure(n int, want string) ([]time.Duration, error) {
	took := make([]time.Duration, n)
	for i := range took {
		began := time.Now()
		status, err := c.do()
		took[i] = time.Since(began)
		if err != nil {
			return nil, err
		}
		if status != 200 || !bytes.Contains(c.body, []byte(want)) {
			return nil, fmt.Errorf("answer %d: %s", status, c.body)
		}
	}
	return took, nil
}

func (c *rawClient) close() { c.conn.Close() }
