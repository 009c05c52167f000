package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Limits of one connection, whatever the function behind it does.
const (
	// headerTimeout is how long the headers of a request may take, from the
	// accept of a fresh connection or from the first byte on a used one.
	headerTimeout = 5 * time.Second
	// headerBytes bounds request line and headers. net/http reads up to 4 KiB
	// more than it is told (Server.initialReadLimitSize), and answers 431 itself.
	headerBytes = 16 << 10
	headerSlack = 4 << 10
	// idleTimeout is how long a connection may wait for its next request.
	idleTimeout = 60 * time.Second
	// tailTimeout is how long a closed connection may take to deliver the end
	// of its last reply before that is dropped.
	tailTimeout = 10 * time.Second
)

// newServer returns the server around handler, with connections counted by limit.
//
// It has neither ReadTimeout nor WriteTimeout. Both run from the headers of a
// request to its end, which includes the time that a program may take: a value
// that lets the longest program finish is far too long for a stalled body or a
// reader that stopped. The function sets those deadlines itself, per request
// and just where each part begins (http.ResponseController).
//
// HTTP/1 only: a second protocol on the same port, with many requests per
// connection, would make the connection cap bound nothing.
func newServer(handler http.Handler, limit *connCap, log *slog.Logger) *http.Server {
	var http1 http.Protocols
	http1.SetHTTP1(true)
	return &http.Server{
		Handler: oneCheckEach(handler),
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, conn)
		},
		Protocols:         &http1,
		ReadHeaderTimeout: headerTimeout,
		MaxHeaderBytes:    headerBytes - headerSlack,
		IdleTimeout:       idleTimeout,
		ConnState:         limit.ConnState,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// connKey is where the context of a request has its connection.
type connKey struct{}

// oneCheckEach ends a connection that has a place of the health checks' with its first
// reply: what it asks next need not be a health check, and has not waited.
func oneCheckEach(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if conn, ok := r.Context().Value(connKey{}).(*cappedConn); ok && conn.urgent {
			w.Header().Set("Connection", "close")
		}
		handler.ServeHTTP(w, r)
	})
}
