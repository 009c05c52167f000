package function

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func allows(t *testing.T, tok *tokens, header ...string) bool {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range header {
		r.Header.Add("Authorization", h)
	}
	return tok.Allow(r)
}

// Tokens as an operator would make them, and one that nobody made.
const (
	tokenA   = "0123456789abcdef-a"
	tokenB   = "0123456789abcdef-b"
	tokenC   = "0123456789abcdef-c"
	noToken  = "0123456789abcdef-x"
	shortest = "0123456789abcdef"
)

// tokenFile is a file that the tests rewrite, and who reads it.
type tokenFile struct {
	t    *testing.T
	path string
	log  lockedBuffer
	*tokens
}

func newTokenFile(t *testing.T, content string) *tokenFile {
	t.Helper()
	f := &tokenFile{t: t, path: filepath.Join(t.TempDir(), "tokens")}
	f.write(content)
	var err error
	if f.tokens, err = loadTokens(f.path, slog.New(slog.NewTextHandler(&f.log, nil))); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *tokenFile) write(content string) {
	f.t.Helper()
	if err := os.WriteFile(f.path, []byte(content), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// wantOnly fails the test unless these tokens are let in, and the others are not.
func (f *tokenFile) wantOnly(when string, valid ...string) {
	f.t.Helper()
	for _, token := range []string{tokenA, tokenB, tokenC, noToken} {
		if got, want := allows(f.t, f.tokens, "Bearer "+token), slices.Contains(valid, token); got != want {
			f.t.Errorf("%s: %s is let in: %v, want %v", when, token, got, want)
		}
	}
	for _, token := range []string{tokenA, tokenB, tokenC, "0123456789abcdef"} {
		if strings.Contains(f.log.String(), token) {
			f.t.Errorf("%s: the log has a token: %s", when, &f.log)
		}
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	f := newTokenFile(t, "\ufeff"+tokenA+"\r\n\r\n  "+tokenB+" \n# "+noToken+"\n#"+noToken+"\n"+shortest) // no newline at its end
	f.wantOnly("as a text editor on Windows might leave it", tokenA, tokenB)
	for _, c := range []struct {
		header []string
		want   bool
	}{
		{[]string{"Bearer " + shortest}, true},
		{[]string{"bearer  " + tokenB + " "}, true},
		{[]string{"BEARER " + tokenB}, true},
		{nil, false},
		{[]string{""}, false},
		{[]string{"Bearer"}, false},
		{[]string{"Bearer "}, false},
		{[]string{tokenB}, false},
		{[]string{"Basic " + tokenB}, false},
		{[]string{"Bearer" + tokenB}, false},
		{[]string{"Bearer #" + noToken}, false},
		{[]string{"Bearer # " + noToken}, false},
		{[]string{"Bearer " + tokenB[:len(tokenB)-1]}, false},
		{[]string{"Bearer " + tokenB + "\n"}, true}, // net/http has no such header
		{[]string{"Bearer " + tokenA + " " + tokenB}, false},
		{[]string{"Bearer " + tokenA + ", Bearer " + tokenB}, false},
		{[]string{"Bearer " + tokenB, "Bearer " + tokenB}, false},
		{[]string{"Bearer " + noToken, "Bearer " + tokenB}, false},
		{[]string{"Bearer " + strings.Repeat("x", 1<<20)}, false},
	} {
		if got := allows(t, f.tokens, c.header...); got != c.want {
			t.Errorf("%.80q: %v", c.header, got)
		}
	}
	if none, err := loadTokens("", nil); err != nil || !allows(t, none) {
		t.Errorf("without a file: %v", err)
	}
	// Cloud Run reads this one itself, for IAM.
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Serverless-Authorization", "Bearer "+tokenB)
	if f.Allow(r) {
		t.Error("let in by X-Serverless-Authorization")
	}
}

// TestTokensFollowTheFile: however it is changed, also within a tick of its clock.
func TestTokensFollowTheFile(t *testing.T) {
	t.Parallel()
	f := newTokenFile(t, tokenA+"\n")
	age := func(path string) {
		t.Helper()
		old := time.Now().Add(-time.Hour) // so that its times are believed
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	// As long as before, and within the same tick of a coarse clock.
	written, err := os.Stat(f.path)
	if err != nil {
		t.Fatal(err)
	}
	f.write(tokenB + "\n")
	if err := os.Chtimes(f.path, written.ModTime(), written.ModTime()); err != nil {
		t.Fatal(err)
	}
	f.wantOnly("rewritten in place", tokenB)

	age(f.path)
	f.wantOnly("older", tokenB)
	if err := os.WriteFile(f.path+".next", []byte(tokenC+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	age(f.path + ".next")
	if err := os.Rename(f.path+".next", f.path); err != nil {
		t.Fatal(err)
	}
	f.wantOnly("another file in its place", tokenC)

	f.write(tokenC + "\n" + tokenA + "\n")
	f.wantOnly("one more", tokenC, tokenA)
	f.write("# none for now\n")
	f.wantOnly("emptied")
	f.write(tokenA + "\nbad token\n")
	f.wantOnly("one line is wrong")
	if s := f.log.String(); !strings.Contains(s, "line 2") || strings.Contains(s, "bad token") {
		t.Errorf("the log names no line, or what is in it: %s", s)
	}
	f.write(tokenA + "\n")
	f.wantOnly("right again", tokenA)
	if err := os.Remove(f.path); err != nil {
		t.Fatal(err)
	}
	f.wantOnly("gone")
	if err := os.Mkdir(f.path, 0o700); err != nil {
		t.Fatal(err)
	}
	f.wantOnly("a folder")
	if err := os.Remove(f.path); err != nil {
		t.Fatal(err)
	}
	f.write(tokenB)
	f.wantOnly("back", tokenB)
}

// TestTokensFollowASecret: Kubernetes puts a folder with a date beside the old one and
// turns the link ..data over to it; the file is a link through that. Who is in the
// old one and in the new one is let in throughout.
func TestTokensFollowASecret(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	version := func(name, content string) {
		t.Helper()
		if err := os.Mkdir(in(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(in(name), "tokens"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(name, in("..data_tmp")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(in("..data_tmp"), in("..data")); err != nil {
			t.Fatal(err)
		}
	}
	version("..1", tokenA+"\n"+tokenC+"\n")
	if err := os.Symlink("..data/tokens", in("tokens")); err != nil {
		t.Fatal(err)
	}
	f := &tokenFile{t: t, path: in("tokens")}
	var err error
	if f.tokens, err = loadTokens(f.path, slog.New(slog.NewTextHandler(&f.log, nil))); err != nil {
		t.Fatal(err)
	}
	f.wantOnly("at first", tokenA, tokenC)

	stop, refused := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for {
			select {
			case <-stop:
				refused <- n
				return
			default:
			}
			if !allows(t, f.tokens, "Bearer "+tokenC) {
				n++
			}
		}
	}()
	for i := range 50 {
		version("..a"+strconv.Itoa(i), tokenB+"\n"+tokenC+"\n")
		f.wantOnly("turned over", tokenB, tokenC)
		version("..b"+strconv.Itoa(i), tokenA+"\n"+tokenC+"\n")
		f.wantOnly("turned back", tokenA, tokenC)
	}
	close(stop)
	if n := <-refused; n > 0 {
		t.Errorf("a token that is in every version was refused %d times", n)
	}
}

// TestTokensBelieveNoTimesForLong: where a file's times tell nothing (a file system
// that makes its content when it is read), it is read again all the same.
func TestTokensBelieveNoTimesForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newTokenFile(t, tokenA)
		old := time.Now().Add(-time.Hour)
		times := func() {
			t.Helper()
			if err := os.Chtimes(f.path, old, old); err != nil {
				t.Fatal(err)
			}
		}
		times()
		f.wantOnly("at first", tokenA)
		f.write(tokenB)
		times()
		f.wantOnly("times say that nothing has changed", tokenA)
		time.Sleep(rereadAfter)
		f.wantOnly("some time later", tokenB)
	})
}

// TestTokensSayItOnce: strangers can't fill the log by asking while the file is wrong.
func TestTokensSayItOnce(t *testing.T) {
	t.Parallel()
	f := newTokenFile(t, tokenA)
	for _, c := range []struct {
		content string
		lines   int // in the log, of all so far
	}{
		{"a b", 1},
		{"a b", 1},
		{tokenB, 2}, // right again
		{"a b", 3},
		{"", 4}, // wrong in another way
	} {
		f.write(c.content)
		for range 10 {
			allows(t, f.tokens, "Bearer "+tokenA)
		}
		if n := strings.Count(f.log.String(), "\n"); n != c.lines {
			t.Errorf("after %q: %d lines, want %d:\n%s", c.content, n, c.lines, &f.log)
		}
	}
}

func TestTokensRefusesToStart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ content, want string }{
		"empty":         {"", "no token in it"},
		"blank":         {" \n\n", "no token in it"},
		"comments":      {"#" + tokenA + "\n", "no token in it"},
		"two in a line": {tokenB + "\n" + tokenA + " " + tokenC + "\n", "line 2: want one token"},
		"not ASCII":     {"pässword-of-good-length\n", "line 1: want one token"},
		"control":       {tokenA + "\x00b\n", "line 1: want one token"},
		"UTF-16":        {"\xff\xfe0\x001\x002\x003\x00", "line 1: want one token"},
		"short":         {tokenA + "\n" + shortest[1:] + "\n", "line 2: a token has 16 to 4096 characters"},
		"long":          {strings.Repeat("x", maxToken+1), "line 1: a token has 16 to 4096 characters"},
		"large":         {strings.Repeat(tokenA+"\n", maxTokensFile/len(tokenA)+1), "more than"},
	} {
		path := filepath.Join(t.TempDir(), "tokens")
		if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := loadTokens(path, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "SANDBOX_TOKENS_FILE") {
			t.Errorf("%s: %v; want %q", name, err, c.want)
		} else if strings.Contains(err.Error(), tokenA) {
			t.Errorf("%s: a token in %v", name, err)
		}
	}
	for path, want := range map[string]string{
		filepath.Join(t.TempDir(), "none"): "no such file",
		t.TempDir():                        "not a file but a folder",
		"/dev/zero":                        "not a regular file",
		fifo(t):                            "not a regular file",
	} {
		if _, err := loadTokens(path, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", path, err, want)
		}
	}
}

// fifo makes a named pipe that nobody writes to: who opens it waits for ever.
func fifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestIsLoopbackHost(t *testing.T) {
	for host, want := range map[string]bool{
		"": true, "localhost": true, "localhost:8080": true, "LocalHost.": true, "app.localhost:1": true,
		"127.0.0.1": true, "127.0.0.1:80": true, "127.1.2.3": true, "[::1]": true, "[::1]:8080": true, "::1": true,
		"[::ffff:127.0.0.1]:1": true,
		"evil.example":         false, "evil.example:8080": false, "localhost.evil.example": false, "notlocalhost": false,
		"10.0.0.1": false, "0.0.0.0:8080": false, "127.0.0.1.nip.io": false, "[fe80::1]": false, "localhost:": true, "[::]": false,
	} {
		if got := isLoopbackHost(host); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
}
