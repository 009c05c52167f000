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
//
// It connects when it sends, and again where the server has closed the connection:
// one that is opened and says nothing for a few seconds is closed.
type rawClient struct {
	address string
	request []byte

	conn  net.Conn // nil: none
	in    *bufio.Reader
	dials int
	body  []byte // of the last answer
}

func newRawClient(address string, request []byte) *rawClient {
	return &rawClient{address: address, request: request}
}

// post is the request that runs a program.
func post(body string) []byte {
	return fmt.Appendf(nil, "POST /execute HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		len(body), body)
}

func get(path string) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path)
}

// do sends the request and reads the whole answer, whose length the head has to
// give. It returns the status; c.body holds until the next call.
func (c *rawClient) do() (status int, err error) {
	if c.conn == nil {
		if c.conn, err = net.DialTimeout("tcp", c.address, 5*time.Second); err != nil {
			c.conn = nil
			return 0, err
		}
		c.dials++
		c.in = bufio.NewReader(c.conn)
	}
	status, closes, err := c.exchange()
	if err != nil || closes {
		c.close()
	}
	return status, err
}

// exchange is do on a connection; closes says that the server closes it.
func (c *rawClient) exchange() (status int, closes bool, err error) {
	if err := c.conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return 0, false, err
	}
	if _, err := c.conn.Write(c.request); err != nil {
		return 0, false, err
	}
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return 0, false, err
	}
	if len(line) < len("HTTP/1.1 200") {
		return 0, false, fmt.Errorf("answer begins with %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, false, err
	}
	length, closes, err := c.readHeaders()
	if err != nil {
		return 0, false, err
	}
	if length < 0 {
		return 0, false, fmt.Errorf("answer %d without Content-Length", status)
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	c.body = c.body[:length]
	_, err = io.ReadFull(c.in, c.body)
	return status, closes, err
}

// readHeaders reads up to the empty line. The length of what follows is -1 where
// none is given.
func (c *rawClient) readHeaders() (length int, closes bool, err error) {
	length = -1
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return 0, false, err
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			return length, closes, nil
		}
		name, value, _ := strings.Cut(string(line), ":")
		value = strings.TrimSpace(value)
		switch {
		case strings.EqualFold(name, "Content-Length"):
			if length, err = strconv.Atoi(value); err != nil {
				return 0, false, err
			}
		case strings.EqualFold(name, "Connection"):
			closes = strings.EqualFold(value, "close")
		}
	}
}

// measure sends the request so many times, one after the other; each has to be
// answered with the status, and want in the body.
func (c *rawClient) measure(times, status int, want string) ([]time.Duration, error) {
	took := make([]time.Duration, times)
	for i := range took {
		began := time.Now()
		got, err := c.do()
		took[i] = time.Since(began)
		if err == nil && (got != status || !bytes.Contains(c.body, []byte(want))) {
			err = fmt.Errorf("answer %d: %s", got, brief(c.body))
		}
		if err != nil {
			return nil, err
		}
	}
	return took, nil
}

// brief is a long body's beginning and end, where outcome and usage are.
func brief(body []byte) string {
	const most = 400
	if len(body) <= 2*most {
		return string(body)
	}
	return fmt.Sprintf("%s … %s", body[:most], body[len(body)-most:])
}

// turn is measure on a connection of its own, whose first request does not count. The
// turns between may take longer than the server keeps an idle connection.
func (c *rawClient) turn(times, status int, want string) ([]time.Duration, error) {
	defer c.close()
	if _, err := c.measure(1, status, want); err != nil {
		return nil, err
	}
	return c.measure(times, status, want)
}

// close ends the connection, if there is one.
func (c *rawClient) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}
