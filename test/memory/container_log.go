//go:build linux

package memory

import (
	"io"
	"regexp"
	"strings"
	"sync"
)

// logMost is how much of the container's output is kept, in bytes.
const logMost = 8 << 10

// A tail keeps the last of what is written to it, and may be read meanwhile.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - logMost; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}

// urlFinder passes on what is written, and the first URL in it to the channel,
// which must have room.
type urlFinder struct {
	to    chan<- string
	next  io.Writer
	begun []byte
}

var listening = regexp.MustCompile(`http://127\.0\.0\.1:\d+\n`)

func (f *urlFinder) Write(p []byte) (int, error) {
	if f.to != nil {
		f.begun = append(f.begun, p...)
		if url := listening.Find(f.begun); url != nil {
			f.to <- strings.TrimSpace(string(url))
			f.to, f.begun = nil, nil
		}
	}
	return f.next.Write(p)
}
