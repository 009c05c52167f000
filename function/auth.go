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
	maxTokensFile = 64 << 10 // bytes; a stranger can have all of it compared
	// minToken keeps out what can be guessed, and what is left of a token while
	// somebody rewrites the file in place. 16 characters of base64 are 96 bits.
	minToken, maxToken = 16, 4096 // characters
	// freshFile is how old a file must be before its times can tell that it did
	// not change since: file systems keep time in ticks of up to two seconds.
	freshFile = 2 * time.Second
	// rereadAfter is how long a file's times are believed at all: where it is made
	// up when it is read, as platforms mount secrets, they may never change.
	rereadAfter = 10 * time.Second
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
	told string // why nobody is let in, as the log has it
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

// current returns the sums of the file as it is now. What is wrong with it is
// logged when it begins to be wrong, however many ask meanwhile.
func (t *tokens) current() [][sha256.Size]byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.unchanged() {
		return t.sums
	}
	err := t.refresh()
	switch {
	case err != nil && err.Error() != t.told:
		t.told = err.Error()
		t.log.Error("tokens: nobody is let in", "file", t.path, "error", err)
	case err == nil && t.told != "":
		t.told = ""
		t.log.Info("tokens: the file is right again", "file", t.path)
	}
	return t.sums
}

// unchanged says whether the file is, as far as its times can tell, the one that was
// read. A mounted secret is replaced by renaming a link: the path then names another
// file.
func (t *tokens) unchanged() bool {
	if t.seen == nil || time.Since(t.read) >= rereadAfter {
		return false
	}
	now, err := os.Stat(t.path)
	return err == nil && sameFile(now, t.seen) && t.read.Sub(now.ModTime()) > freshFile
}

func sameFile(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// refresh reads the file. With an error there are no tokens. The caller holds mu,
// or is alone.
func (t *tokens) refresh() error {
	t.seen, t.sums = nil, nil
	now := time.Now()
	content, info, err := readRegular(t.path, maxTokensFile)
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

// readRegular returns a file's content and what it was before that was read. Only a
// regular file is opened: whoever opens a named pipe may wait for ever.
func readRegular(path string, most int64) ([]byte, os.FileInfo, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, nil, err
	case info.IsDir():
		return nil, nil, errors.New("not a file but a folder: want the path of the file in it")
	case !info.Mode().IsRegular():
		return nil, nil, errors.New("not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil { // of the one that was opened
		return nil, nil, err
	}
	content, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(content)) > most {
		err = fmt.Errorf("more than %d bytes", most)
	}
	return content, info, err
}

// parseTokens returns the sum of each line that is not empty or a comment, which
// begins with #. Its errors name lines, never what is in them.
func parseTokens(content []byte) ([][sha256.Size]byte, error) {
	content = bytes.TrimPrefix(content, []byte("\ufeff")) // as some editors begin a file
	var sums [][sha256.Size]byte
	line := 0
	for text := range bytes.Lines(content) {
		line++
		token := bytes.TrimSpace(text)
		if len(token) == 0 || token[0] == '#' {
			continue
		}
		if bytes.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return nil, fmt.Errorf("line %d: want one token of visible ASCII characters", line)
		}
		if len(token) < minToken || len(token) > maxToken {
			return nil, fmt.Errorf("line %d: a token has %d to %d characters", line, minToken, maxToken)
		}
		sums = append(sums, sha256.Sum256(token))
	}
	if len(sums) == 0 {
		return nil, errors.New("no token in it; want one a line")
	}
	return sums, nil
}
