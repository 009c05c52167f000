package function

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// Bounds of SANDBOX_TOKENS_FILE.
const (
	maxTokensFile = 1 << 20 // bytes
	// freshFile is how old a file must be before its times can tell that it did
	// not change since: file systems keep time in ticks of up to two seconds.
	freshFile = 2 * time.Second
)

// tokens are the bearer tokens of a file, one a line. Only their SHA-256 sums
// are kept, and none of them is ever logged. The file is read again when it has
// changed; while it can't be read, nobody is let in.
type tokens struct {
	path string
	log  *slog.Logger

	mu   sync.Mutex
	seen os.FileInfo // of the file that was read; nil: read it
	read time.Time
	sums [][sha256.Size]byte
}

// loadTokens reads the file at path, or returns nil for no path: no tokens are
// asked for then. A file that can't be read, or has no token, is an error.
func loadTokens(path string, log *slog.Logger) (*tokens, error) {
	if path == "" {
		return nil, nil
	}
	t := &tokens{path: path, log: log}
	if err := t.refresh(); err != nil {
		return nil, fmt.Errorf("SANDBOX_TOKENS_FILE=%q: %w", path, err)
	}
	return t, nil
}

// Allow says whether the request has a valid token. A nil t allows everything.
func (t *tokens) Allow(r *http.Request) bool {
	if t == nil {
		return true
	}
	sums := t.current()
	headers := r.Header.Values("Authorization")
	if len(headers) != 1 {
		return false
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return false
	}
	sum := sha256.Sum256([]byte(strings.TrimSpace(token)))
	// Every sum is compared, and whole: time tells neither which one it was nor
	// how much of it fits.
	valid := 0
	for i := range sums {
		valid |= subtle.ConstantTimeCompare(sum[:], sums[i][:])
	}
	return valid == 1
}

// current returns the sums of the file as it is now.
func (t *tokens) current() [][sha256.Size]byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.unchanged() {
		return t.sums
	}
	if err := t.refresh(); err != nil {
		t.log.Error("tokens: nobody is let in", "file", t.path, "error", err)
	}
	return t.sums
}

// unchanged says whether the file is, for sure, the one that was read. A mounted
// secret is replaced by renaming a link: the path then names another file.
func (t *tokens) unchanged() bool {
	if t.seen == nil {
		return false
	}
	now, err := os.Stat(t.path)
	return err == nil && os.SameFile(now, t.seen) && now.Size() == t.seen.Size() &&
		now.ModTime().Equal(t.seen.ModTime()) && t.read.Sub(now.ModTime()) > freshFile
}

// refresh reads the file. With an error there are no tokens. The caller holds mu,
// or is alone.
func (t *tokens) refresh() error {
	t.seen, t.sums = nil, nil
	f, err := os.Open(t.path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	now := time.Now()
	content, err := io.ReadAll(io.LimitReader(f, maxTokensFile+1))
	if err != nil {
		return err
	}
	sums, err := parseTokens(content)
	if err != nil {
		return err
	}
	t.seen, t.read, t.sums = info, now, sums
	return nil
}

// parseTokens returns the sum of each line that is not empty. Its errors name
// lines, never what is in them.
func parseTokens(content []byte) ([][sha256.Size]byte, error) {
	if len(content) > maxTokensFile {
		return nil, fmt.Errorf("more than %d bytes", maxTokensFile)
	}
	var sums [][sha256.Size]byte
	line := 0
	for text := range bytes.Lines(content) {
		line++
		token := bytes.TrimSpace(text)
		if len(token) == 0 {
			continue
		}
		if bytes.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return nil, fmt.Errorf("line %d: want one token of visible ASCII characters", line)
		}
		sums = append(sums, sha256.Sum256(token))
	}
	if len(sums) == 0 {
		return nil, errors.New("no token in it; want one a line")
	}
	return sums, nil
}
