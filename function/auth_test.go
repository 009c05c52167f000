package function

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
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

func TestTokens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(path, []byte("\r\n  first-token \r\n\nsecond\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tok, err := loadTokens(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		header []string
		want   bool
	}{
		{[]string{"Bearer first-token"}, true},
		{[]string{"bearer  second "}, true},
		{[]string{"BEARER second"}, true},
		{nil, false},
		{[]string{""}, false},
		{[]string{"Bearer"}, false},
		{[]string{"Bearer "}, false},
		{[]string{"second"}, false},
		{[]string{"Basic second"}, false},
		{[]string{"Bearer first"}, false},
		{[]string{"Bearer first-token second"}, false},
		{[]string{"Bearer second", "Bearer second"}, false},
	} {
		if got := allows(t, tok, c.header...); got != c.want {
			t.Errorf("%q: %v", c.header, got)
		}
	}
	if none, err := loadTokens("", nil); err != nil || !allows(t, none) {
		t.Errorf("without a file: %v", err)
	}
}

// TestTokensFollowTheFile: however it is changed, also within a tick of its clock.
func TestTokensFollowTheFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "tokens")
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("tokens", "one\n")
	var log lockedBuffer
	tok, err := loadTokens(path, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	// As long as before, and within the same tick of a coarse clock.
	written, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	write("tokens", "two\n")
	if err := os.Chtimes(path, written.ModTime(), written.ModTime()); err != nil {
		t.Fatal(err)
	}
	if allows(t, tok, "Bearer one") || !allows(t, tok, "Bearer two") {
		t.Error("a rewritten file was not read again")
	}

	// Old enough that its times are believed, and then replaced by another.
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	if !allows(t, tok, "Bearer two") {
		t.Error("two is gone")
	}
	write("next", "six\n")
	if err := os.Chtimes(filepath.Join(dir, "next"), old, old); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "next"), path); err != nil {
		t.Fatal(err)
	}
	if allows(t, tok, "Bearer two") || !allows(t, tok, "Bearer six") {
		t.Error("a file put in place of the other was not read")
	}

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if allows(t, tok, "Bearer six") {
		t.Error("without the file, somebody is let in")
	}
	write("tokens", "new\nbad token\n")
	if allows(t, tok, "Bearer new") {
		t.Error("with a file that is not right, somebody is let in")
	}
	if s := log.String(); !strings.Contains(s, "line 2") || strings.Contains(s, "bad token") {
		t.Errorf("the log names no line, or a token: %s", s)
	}
	write("tokens", "new\n")
	if !allows(t, tok, "Bearer new") {
		t.Error("the file came back, unread")
	}
}

func TestTokensRefusesToStart(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"empty": "", "blank": " \n\n", "two in a line": "a b\n", "not ASCII": "pässword\n", "control": "a\x00b\n",
		"large": strings.Repeat("x", maxTokensFile+1),
	} {
		path := filepath.Join(dir, "tokens")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := loadTokens(path, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := loadTokens(filepath.Join(dir, "none"), nil); err == nil || !strings.Contains(err.Error(), "SANDBOX_TOKENS_FILE") {
		t.Errorf("no file: %v", err)
	}
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
