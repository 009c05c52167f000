//go:build linux

package contract

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Tokens as an operator would make them: no other test, and nothing that a server
// says by itself, has any of them.
const (
	oldToken   = "old-token-0123456789"
	youngToken = "young-token-0123456789"
	otherToken = "other-token-0123456789"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	for _, bin := range both {
		t.Run(bin.name, func(t *testing.T) {
			t.Parallel()
			secret := newSecret(t, oldToken, otherToken)
			s := start(t, bin, "SANDBOX_TOKENS_FILE="+secret.file, "SANDBOX_LOG_LEVEL=debug")
			var said strings.Builder // all that the server says to its callers
			ask := func(status int, r request) {
				t.Helper()
				resp := s.do(t, r)
				wantStatus(t, r, resp, status)
				if got := resp.Header.Get("WWW-Authenticate"); (status == http.StatusUnauthorized) != strings.HasPrefix(got, "Bearer") {
					t.Errorf("%v: %d with WWW-Authenticate %q", r.header, status, got)
				}
				said.WriteString(string(resp.Body))
				for _, values := range resp.Header {
					said.WriteString(strings.Join(values, ""))
				}
			}
			with := func(header ...string) request { return program{Code: "print(1)"}.request(header...) }
			bearer := func(token string) request { return with("Authorization: Bearer " + token) }

			for _, header := range [][]string{
				nil,
				{"Authorization:"},
				{"Authorization: Bearer"},
				{"Authorization: Bearer wrong"},
				{"Authorization: Basic " + oldToken},
				{"Authorization: " + oldToken},
				{"Authorization: Bearer " + youngToken},
				{"Authorization: Bearer " + oldToken + "x"},
				{"Authorization: Bearer " + oldToken[:len(oldToken)-1]},
				{"Authorization: Bearer " + oldToken + ", Bearer " + otherToken},
				{"Authorization: Bearer " + oldToken, "Authorization: Bearer " + oldToken},
				{"Authorization: Bearer " + youngToken, "Authorization: Bearer " + oldToken},
				{"X-Serverless-Authorization: Bearer " + oldToken}, // the platform's
				{"Proxy-Authorization: Bearer " + oldToken},
				{"Cookie: Authorization=Bearer " + oldToken},
			} {
				ask(http.StatusUnauthorized, with(header...))
			}
			ask(http.StatusOK, bearer(oldToken))
			ask(http.StatusOK, bearer(otherToken))
			ask(http.StatusOK, with("authorization: bearer "+oldToken))
			ask(http.StatusOK, with("X-Serverless-Authorization: Bearer of.another.kind", "Authorization: Bearer "+oldToken))
			for _, path := range []string{"/livez", "/health", "/healthz", "/readyz", "/ready"} {
				ask(http.StatusOK, get(path))
			}
			for _, path := range []string{"/profile", "/openapi.json", "/openapi.yaml"} {
				ask(http.StatusUnauthorized, get(path))
				ask(http.StatusOK, get(path, "Authorization: Bearer "+oldToken))
			}

			// Rotation: from the next request on.
			secret.turnOver(t, youngToken, otherToken)
			ask(http.StatusOK, bearer(youngToken))
			ask(http.StatusUnauthorized, bearer(oldToken))
			ask(http.StatusOK, bearer(otherToken))
			secret.turnOver(t, "two words")
			ask(http.StatusUnauthorized, bearer(otherToken))
			ask(http.StatusOK, get("/readyz"))
			secret.turnOver(t, otherToken)
			ask(http.StatusOK, bearer(otherToken))

			log := s.log.String()
			if !strings.Contains(log, "nobody is let in") || !strings.Contains(log, "line 1") {
				t.Error("a file that is wrong is not spoken of in the log")
			}
			for what, text := range map[string]string{"the log": log, "an answer": said.String()} {
				for _, token := range []string{oldToken, youngToken, otherToken, "two words"} {
					if strings.Contains(text, token) {
						t.Errorf("%s has %q", what, token)
					}
				}
			}
		})
	}
}

// What can't be a file of tokens stops the start, at once and in words.
func TestTokensRefuseToStart(t *testing.T) {
	t.Parallel()
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	secret := newSecret(t, "short")
	for _, bin := range both {
		for path, want := range map[string]string{
			"/nonexistent/tokens":    "no such file",
			filepath.Dir(fifo):       "not a file but a folder",
			fifo:                     "not a regular file",
			secret.file:              "line 1: a token has 16 to",
			"/proc/version":          "line 1", // has no size, and can be read
			"/dev/null":              "not a regular file",
			secret.file + "/tokens":  "not a directory",
			filepath.Dir(secret.dir): "not a file but a folder",
		} {
			s := launch(t, bin, "SANDBOX_TOKENS_FILE="+path)
			if s.awaitPort() {
				t.Errorf("%s: it started", path)
				s.kill()
				continue
			}
			if log := s.log.String(); s.state.ExitCode() != 1 || !strings.Contains(log, want) || !strings.Contains(log, "SANDBOX_TOKENS_FILE") {
				t.Errorf("%s: %v, want exit code 1 and %q:\n%s", path, s.state, want, log)
			}
		}
	}
}

// A secret is a folder as Kubernetes mounts one: its file is a link through ..data to
// the folder of its present version.
type secret struct{ dir, file string }

func newSecret(t *testing.T, tokens ...string) secret {
	t.Helper()
	s := secret{dir: t.TempDir()}
	s.file = filepath.Join(s.dir, "tokens")
	if err := os.Symlink("..data/tokens", s.file); err != nil {
		t.Fatal(err)
	}
	s.turnOver(t, tokens...)
	return s
}

// turnOver makes a new version and takes the old one away, as a kubelet does.
func (s secret) turnOver(t *testing.T, tokens ...string) {
	t.Helper()
	before, _ := os.Readlink(filepath.Join(s.dir, "..data")) // the first has none
	version, err := os.MkdirTemp(s.dir, "..2026_11_23_")
	if err != nil {
		t.Fatal(err)
	}
	next := filepath.Join(s.dir, "..data_tmp")
	for _, err := range []error{
		os.WriteFile(filepath.Join(version, "tokens"), []byte(strings.Join(tokens, "\n")+"\n"), 0o600),
		os.Symlink(filepath.Base(version), next),
		os.Rename(next, filepath.Join(s.dir, "..data")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if before != "" {
		if err := os.RemoveAll(filepath.Join(s.dir, before)); err != nil {
			t.Fatal(err)
		}
	}
}
