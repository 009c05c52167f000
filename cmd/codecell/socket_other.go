//go:build !linux

package main

import (
	"errors"
	"syscall"
)

func limitBuffers(syscall.RawConn) error { return errors.ErrUnsupported }

func limitSilence(syscall.RawConn) error { return errors.ErrUnsupported }

func limitAccepted(syscall.Conn) error { return errors.ErrUnsupported }

func serveBoth(syscall.RawConn) error { return errors.ErrUnsupported }

func outgoing(syscall.Conn) (int, uint64, error) { return 0, 0, errors.ErrUnsupported }

func unacknowledged(syscall.Conn) (int, error) { return 0, errors.ErrUnsupported }

func unread(syscall.Conn) (int, error) { return 0, errors.ErrUnsupported }

func peek(syscall.Conn, []byte) (int, error) { return 0, errors.ErrUnsupported }

func resetOnClose(syscall.Conn) error { return errors.ErrUnsupported }
