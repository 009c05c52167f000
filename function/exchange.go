package function

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"strconv"
	"time"

	"codecell/function/telemetry"
)

// Times that one exchange may take for its parts, beside the run.
const (
	bodyTimeout  = 10 * time.Second // from the check that lets it in to the body's last byte
	writeTimeout = 30 * time.Second // from the reply's first byte to its last
	// politeDelay is how long an answer waits for a body that nobody wants, so
	// that a client that has just sent it can keep its connection.
	politeDelay = 50 * time.Millisecond
	// lingerTime is how long a connection that is about to be closed still takes
	// in what its client sends: a close with unread data makes the kernel send a
	// reset, which may destroy the answer on the client's side.
	lingerTime = 500 * time.Millisecond
)

// politeBody is how many bytes of an unwanted body are read to keep a connection.
const politeBody = 64 << 10

// reply is a whole answer, or the end of one that is sent in parts (see events).
type reply struct {
	status    int
	mediaType string
	header    http.Header // may be nil
	body      []byte
}

// exchange is one request and what is owed to it.
type exchange struct {
	id  string
	w   http.ResponseWriter
	r   *http.Request
	rc  *http.ResponseController
	log *slog.Logger

	telemetry *telemetry.Telemetry
	start     time.Time
	route     string        // as in routes, "" when there is none
	noted     []slog.Attr   // for the log line
	problem   string        // its slug, once it was refused
	body      bodyState     // of r.Body
	leave     func()        // intake's, or nil
	started   bool          // the reply's first byte may have been written
	events    *events       // once the answer is sent in parts
	flushed   chan struct{} // closed by end
}

// bodyState is how far the request's body has been read.
type bodyState int

const (
	bodyUnread bodyState = iota
	bodyRead             // to its end
	bodyBroken           // neither: the connection can't be used again
)

func newExchange(w http.ResponseWriter, r *http.Request, log *slog.Logger) *exchange {
	return &exchange{
		id: rand.Text(), w: w, r: r, rc: http.NewResponseController(w), log: log,
		telemetry: telemetry.Off(), start: time.Now(), flushed: make(chan struct{}),
	}
}

// note adds attributes to the request's line in the log.
func (x *exchange) note(attrs ...slog.Attr) { x.noted = append(x.noted, attrs...) }

// readBody reads the whole body, which has at most MaxBody bytes, and leaves the
// connection without a read deadline: from the body's end on, net/http watches
// for the client to leave. Once closing is done it reads no further.
//
// Errors: errBodyLate, errTooLarge, errBodyCut, errBodyChunks, errDraining.
func (x *exchange) readBody(closing context.Context) ([]byte, error) {
	x.setReadDeadline(bodyTimeout)
	// A Read that waits is woken by a deadline that has passed. Should the body
	// have ended just then, the deadline hits net/http's watch for the client
	// instead and cancels the request: one that the closed gate refuses anyway.
	defer context.AfterFunc(closing, func() { x.setReadDeadline(0) })()

	// All at once: growing would have the old and the new buffer alive together.
	// One byte more than may come, so that the end is seen, or too much is.
	size := int64(MaxBody)
	if x.r.ContentLength >= 0 {
		size = min(size, x.r.ContentLength)
	}
	body := make([]byte, size+1)
	n, err := 0, error(nil)
	for n < len(body) && err == nil {
		var m int
		m, err = x.r.Body.Read(body[n:])
		n += m
	}
	switch {
	case n > MaxBody: // its end may have come with the last byte
		err = errTooLarge
	case err == io.EOF: //nolint:errorlint // a Reader returns io.EOF itself, never wrapped
		x.body = bodyRead
		x.clearReadDeadline()
		return body[:n], nil
	case errors.Is(err, os.ErrDeadlineExceeded) && closing.Err() != nil:
		err = errDraining
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = errBodyLate
	default:
		x.note(slog.String("cause", err.Error()))
		// net/http has no error of its own for chunks that are none.
		if x.r.ContentLength < 0 && !errors.Is(err, io.ErrUnexpectedEOF) {
			err = errBodyChunks
		} else {
			err = errBodyCut
		}
	}
	x.body = bodyBroken
	return nil, err
}

// send writes the whole reply and hands it to the kernel. A client that does not
// take it within writeTimeout loses its connection.
func (x *exchange) send(rep reply) error {
	if x.events != nil {
		if sent, err := x.events.finish(rep); sent {
			return err
		}
	}
	x.forsakeBody()
	h := x.w.Header()
	maps.Copy(h, rep.header)
	h.Set("Content-Type", rep.mediaType)
	h.Set("Content-Length", strconv.Itoa(len(rep.body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")

	x.started = true
	_ = x.rc.SetWriteDeadline(time.Now().Add(writeTimeout))
	x.w.WriteHeader(rep.status)
	if x.r.Method != http.MethodHead {
		if _, err := x.w.Write(rep.body); err != nil {
			return err
		}
	}
	return x.flush()
}

func (x *exchange) flush() error {
	err := x.rc.Flush()
	if errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	return err
}

// forsakeBody settles what becomes of a body that was not read to its end,
// before the answer's first byte. Left to itself net/http waits for up to 256
// KiB of it, and for as long as the client likes.
//
// A small one that has arrived already, or almost, is read and thrown away, and
// the connection lives on. Any other connection is closed after the answer; one
// that waits for "100 Continue" was never told to send a body, nor is it now.
func (x *exchange) forsakeBody() {
	if x.body == bodyRead || x.r.ContentLength == 0 {
		return
	}
	if x.body == bodyUnread && x.r.ContentLength <= politeBody && x.r.Header.Get("Expect") == "" {
		x.setReadDeadline(politeDelay)
		if _, err := io.CopyN(io.Discard, x.r.Body, politeBody+1); err == io.EOF { //nolint:errorlint // io.CopyN returns it itself
			x.body = bodyRead
			x.clearReadDeadline()
			return
		}
	}
	x.body = bodyBroken
	x.w.Header().Set("Connection", "close")
	x.setReadDeadline(lingerTime)
}

// end gives back what the exchange held, once its reply is written or can't be.
func (x *exchange) end() {
	if x.leave != nil {
		x.leave()
	}
	close(x.flushed)
}

// setReadDeadline bounds reads from the connection. A ResponseWriter without a
// connection (a recorder in a test) has nothing that could block.
func (x *exchange) setReadDeadline(d time.Duration) { _ = x.rc.SetReadDeadline(time.Now().Add(d)) }

func (x *exchange) clearReadDeadline() { _ = x.rc.SetReadDeadline(time.Time{}) }
