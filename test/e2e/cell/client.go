//go:build linux

package cell

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Request is the body of POST /execute.
type Request struct {
	Code     string   `json:"code"`
	Timeout  float64  `json:"timeout,omitempty"`   // seconds
	MemoryMB int      `json:"memory_mb,omitempty"` // MiB
	Stdin    string   `json:"stdin,omitempty"`
	Args     []string `json:"args,omitempty"`
	Files    []File   `json:"files,omitempty"`
	Outputs  []string `json:"outputs,omitempty"`
}

// File is one that a program finds in its workspace.
type File struct {
	Name    string `json:"name"`
	Content []byte `json:"content_base64"`
}

// Answer is whatever came back. Fields that the body did not have are zero.
type Answer struct {
	Status int         `json:"-"`
	Header http.Header `json:"-"`
	Body   []byte      `json:"-"`

	// Of a program that ran.
	Stdout   string       `json:"stdout"`
	Stderr   string       `json:"stderr"`
	ExitCode int          `json:"exit_code"`
	Outcome  string       `json:"outcome"`
	Files    []OutputFile `json:"files"`

	// Of a problem.
	Type       string   `json:"type"`
	Violations []string `json:"violations"`
}

// OutputFile is a file that a program has left.
type OutputFile struct {
	Name      string `json:"name"`
	MediaType string `json:"media_type"`
	Size      int64  `json:"size"`
	SHA256    string `json:"sha256"`
	Content   []byte `json:"content_base64"`
	Omitted   string `json:"omitted"` // why there is no content
}

func (f OutputFile) String() string {
	return fmt.Sprintf("%s (%s, %d bytes)", f.Name, f.MediaType, f.Size)
}

func (a Answer) String() string {
	body := a.Body
	if len(body) > 400 {
		body = append(body[:400:400], "..."...)
	}
	return fmt.Sprintf("%d %s", a.Status, body)
}

// OK says whether the program ran and printed exactly this.
func (a Answer) OK(stdout string) bool {
	return a.Status == http.StatusOK && a.Outcome == "ok" && a.ExitCode == 0 && a.Stdout == stdout
}

// problemPrefix begins the type of every problem that is codecell's own.
const problemPrefix = "urn:codecell:problem:"

// Problem returns the slug of the answer's problem type, or "" if it is none of
// codecell's.
func (a Answer) Problem() string {
	slug, ok := strings.CutPrefix(a.Type, problemPrefix)
	if !ok || !strings.HasPrefix(a.Header.Get("Content-Type"), "application/problem+json") {
		return ""
	}
	return slug
}

// Client talks to one server over kept-alive connections.
type Client struct {
	url  string
	http *http.Client
}

// Client returns a client whose requests take at most timeout each.
func (s *Server) Client(timeout time.Duration) *Client {
	return &Client{url: s.URL, http: &http.Client{
		Timeout:   timeout,
		Transport: &http.Transport{MaxIdleConnsPerHost: 64, DialContext: s.dial},
	}}
}

// Close ends the idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Execute posts a program. The error says that no whole answer came.
func (c *Client) Execute(ctx context.Context, r Request) (Answer, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return Answer{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/execute", bytes.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	return c.do(req)
}

// Get asks for a path.
func (c *Client) Get(ctx context.Context, path string) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+path, nil)
	if err != nil {
		return Answer{}, err
	}
	return c.do(req)
}

func (c *Client) do(req *http.Request) (Answer, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer resp.Body.Close()
	a := Answer{Status: resp.StatusCode, Header: resp.Header}
	if a.Body, err = io.ReadAll(resp.Body); err != nil {
		return a, err
	}
	if err := json.Unmarshal(a.Body, &a); err != nil {
		return a, fmt.Errorf("%s: %w", a, err)
	}
	return a, nil
}

// Profile is the part of GET /profile that the suites look at.
type Profile struct {
	Name           string   `json:"name"`
	AllowedImports []string `json:"allowed_imports"`
	Limits         struct {
		MinMemoryMB int `json:"min_memory_mb"`
		MaxMemoryMB int `json:"max_memory_mb"`
	} `json:"limits"`
	Admission struct {
		InFlight int `json:"in_flight"`
	} `json:"admission"`
	Isolation []Layer `json:"isolation"`
	Runtime   struct {
		Language string `json:"language"`
		Version  string `json:"version"`
	} `json:"runtime"`
}

// Layer is one isolation layer as the server found it.
type Layer struct {
	Layer  string `json:"layer"`
	State  string `json:"state"` // active, absent or failed
	Detail string `json:"detail"`
}

// Profile asks the server what it is.
func (c *Client) Profile(ctx context.Context) (Profile, error) {
	var p Profile
	a, err := c.Get(ctx, "/profile")
	if err != nil {
		return p, err
	}
	if a.Status != http.StatusOK {
		return p, fmt.Errorf("/profile: %s", a)
	}
	err = json.Unmarshal(a.Body, &p)
	return p, err
}
