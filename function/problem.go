package function

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"codecell/sandbox"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Errors of the checks that have nothing more to say.
var (
	errNoRoute     = errors.New("no such route")
	errCrossOrigin = errors.New("cross-origin request")
	errForeignHost = errors.New("foreign host")
	errNoToken     = errors.New("no valid token")
	errDraining    = errors.New("draining")
	errTooLarge    = errors.New("body too large")
	errBodyLate    = errors.New("body did not arrive in time")
	errBodyCut     = errors.New("body cut off")
	errBodyChunks  = errors.New("body in malformed chunks")
)

// methodError refuses a method that a route does not have.
type methodError struct{ allow string }

func (e *methodError) Error() string { return "method not allowed" }

// mediaError refuses a body because of how its headers say it is written.
type mediaError struct {
	detail       string
	header, want string // the response header that says what would do
}

func (e *mediaError) Error() string { return e.detail }

// problem is an answer that is not a program's result: application/problem+json
// (RFC 9457), and what callers of the predecessor look for in "error".
type problem struct {
	Type     string `json:"type"`
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail"`
	Instance string `json:"instance"`
	Error    string `json:"error"`

	Violations   []string     `json:"violations,omitzero"`
	Errors       []fieldError `json:"errors,omitzero"`
	RetryAfter   int64        `json:"retry_after,omitzero"` // seconds, as the header
	LatestFreeMS *int64       `json:"latest_free_ms,omitzero"`

	slug   string
	header http.Header
}

const (
	problemType    = "urn:codecell:problem:"
	requestURN     = "urn:codecell:request:"
	problemMedia   = "application/problem+json"
	internalDetail = "Something in the service failed. The log has the details under this instance."
)

// maxViolationBytes bounds the list of violations in an answer, which is held in
// memory with intake's right to a reply. Each byte may take six when encoded.
const maxViolationBytes = 128 << 10

// problemOf is the only place where an error becomes a status. What it does not
// know is our failure: 500, with a fixed text.
func problemOf(err error) *problem {
	var (
		method   *methodError
		media    *mediaError
		capacity *capacityError
		syntax   *jsonError
		fields   *fieldErrors
		policy   *sandbox.PolicyError
		notReady *notReadyError
	)
	switch {
	case errors.Is(err, errNoRoute):
		return newProblem(http.StatusNotFound, "not-found", "Not found", "There is no such route; the contract is at /openapi.yaml.")
	case errors.As(err, &method):
		p := newProblem(http.StatusMethodNotAllowed, "method-not-allowed", "Method not allowed", "This route takes "+method.allow+".")
		return p.with("Allow", method.allow)
	case errors.Is(err, errCrossOrigin):
		return newProblem(http.StatusForbidden, "cross-origin", "Cross-origin request refused", "A browser sent this request on behalf of another site.")
	case errors.Is(err, errForeignHost):
		return newProblem(http.StatusMisdirectedRequest, "misdirected", "Misdirected request", "This server listens on the loopback interface and answers to its names only, such as localhost.")
	case errors.Is(err, errNoToken):
		p := newProblem(http.StatusUnauthorized, "unauthorized", "Unauthorized", "Send a valid token: Authorization: Bearer TOKEN.")
		return p.with("WWW-Authenticate", "Bearer")

	case errors.Is(err, errDraining), errors.Is(err, sandbox.ErrClosed):
		return newProblem(http.StatusServiceUnavailable, "draining", "Draining", "This instance is shutting down. It is safe to send the request again.").retry(1)
	case errors.As(err, &notReady):
		return newProblem(http.StatusServiceUnavailable, "not-ready", "Not ready", "No program can be run at the moment: "+notReady.reason.Error()).retry(1)
	case errors.Is(err, sandbox.ErrNotReady):
		return newProblem(http.StatusServiceUnavailable, "not-ready", "Not ready", "There is no warm interpreter at the moment; one is being started. It is safe to send the request again.").retry(1)
	case errors.Is(err, sandbox.ErrRunLost):
		return newProblem(http.StatusServiceUnavailable, "run-lost", "Run lost", "The run was lost with the interpreter that it was forked from. It is safe to send the request again.").retry(1)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		// Nobody reads this but a client that ended its side of the connection
		// only, or a platform whose own deadline has passed.
		return newProblem(http.StatusServiceUnavailable, "run-lost", "Run lost", "The request was given up, by its sender or at the platform's deadline, and its run was ended. It is safe to send the request again.").retry(1)

	case errors.As(err, &media):
		p := newProblem(http.StatusUnsupportedMediaType, "unsupported-media-type", "Unsupported media type", media.detail)
		return p.with(media.header, media.want)
	case errors.Is(err, errTooLarge):
		return newProblem(http.StatusRequestEntityTooLarge, "too-large", "Body too large", fmt.Sprintf("A body may have at most %d bytes.", MaxBody))
	case errors.As(err, &capacity):
		return capacityProblem(capacity)
	case errors.Is(err, errBodyLate):
		return newProblem(http.StatusRequestTimeout, "body-timeout", "Request timeout", fmt.Sprintf("The body did not arrive within %v.", bodyTimeout))
	case errors.Is(err, errBodyCut):
		return newProblem(http.StatusBadRequest, "incomplete-body", "Incomplete body", "The body ended before its announced end.")
	case errors.Is(err, errBodyChunks):
		return newProblem(http.StatusBadRequest, "malformed-chunks", "Malformed chunks", "The body is not in chunks as HTTP/1.1 has them, which Transfer-Encoding says it is.")
	case errors.As(err, &syntax):
		return newProblem(http.StatusBadRequest, "malformed-json", "Malformed JSON", syntax.detail)
	case errors.As(err, &fields):
		return fieldProblem(fields)
	case errors.Is(err, errBlank):
		return newProblem(http.StatusBadRequest, "no-code", "No code provided", "The field code is blank.")
	case errors.As(err, &policy):
		return policyProblem(policy)
	}
	return newProblem(http.StatusInternalServerError, "internal", "Internal error", internalDetail)
}

// newProblem returns a problem whose title, short and stable, is also what the
// predecessor's callers find in "error".
func newProblem(status int, slug, title, detail string) *problem {
	return &problem{
		Type: problemType + slug, Title: title, Status: status, Detail: detail, Error: title,
		slug: slug, header: make(http.Header),
	}
}

func (p *problem) with(name, value string) *problem {
	p.header.Set(name, value)
	return p
}

func (p *problem) retry(seconds int64) *problem {
	p.RetryAfter = seconds
	return p.with("Retry-After", strconv.FormatInt(seconds, 10))
}

func capacityProblem(e *capacityError) *problem {
	detail := "Too many requests are being read or answered."
	switch e.lacks {
	case "memory":
		detail = "There is a free slot, but not enough memory for this run beside the others."
	case "slots":
		detail = "Every slot is taken."
	}
	if e.running > 0 {
		detail += fmt.Sprintf(" Runs in flight: %d; the oldest for %.1f s.", e.running, e.oldest.Seconds())
	}
	p := newProblem(http.StatusTooManyRequests, "at-capacity", "At capacity", detail).retry(e.retryAfter())
	if e.running > 0 {
		free := e.free.Milliseconds()
		p.LatestFreeMS = &free
	}
	return p
}

func fieldProblem(e *fieldErrors) *problem {
	p := newProblem(http.StatusUnprocessableEntity, "invalid-fields", "Invalid fields", "The errors are listed.")
	p.Errors = e.errors
	if e.dropped > 0 {
		p.Detail = fmt.Sprintf("The first %d errors are listed, of %d.", len(e.errors), len(e.errors)+e.dropped)
	}
	return p
}

func policyProblem(e *sandbox.PolicyError) *problem {
	p := newProblem(http.StatusBadRequest, "policy", "Code validation failed", "The program was not run. The violations are listed.")
	p.Violations = make([]string, 0, len(e.Violations))
	room := maxViolationBytes
	for i, v := range e.Violations {
		if room -= len(v); room < 0 {
			p.Detail = fmt.Sprintf("The program was not run. The first %d violations are listed, of %d.", i, len(e.Violations))
			break
		}
		p.Violations = append(p.Violations, v)
	}
	return p
}

// reply encodes the problem as the answer to the request of this id.
func (p *problem) reply(id string) reply {
	p.Instance = requestURN + id
	// What callers sent is quoted in places and need not be UTF-8.
	body, err := json.Marshal(p, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		panic(fmt.Sprintf("function: a problem can't be encoded: %v", err)) // a bug of ours
	}
	return reply{status: p.Status, mediaType: problemMedia, header: p.header, body: body}
}
