//go:build linux

package memory

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"codecell/test/e2e/cell"
)

// inputFiles: 64 clients send as many bytes of files as a body may have, half of them
// in one file and half in as many as there may be. None of the programs looks at them.
var inputFiles = Attack{
	Name:    "input-files",
	Route:   "files in a request",
	Needs:   Files,
	Client:  sendFiles,
	Answers: []Seen{Served, Full, Closed},
}

// stoppedFileReaders: 300 clients ask for the most that an answer can hold of files, each
// other one in events, and don't read it.
var stoppedFileReaders = Attack{
	Name:    "stopped-file-readers",
	Route:   "files in an answer",
	Needs:   Files,
	Client:  stopReadingFiles,
	Answers: []Seen{Served, Full, Closed},
}

const (
	inputFileBytes = (bodyMost - inputSpare*2) / 4 * 3 // in base64 that is a body
	inputFileCount = 64                                // the most
)

func sendFiles(ctx context.Context, t *Target) error {
	ctx, cancel := context.WithTimeout(ctx, inputFor+runTimeout)
	defer cancel()
	content := bytes.Repeat([]byte("x"), inputFileBytes)
	one := cell.Request{Code: "for n in range(3_000_000): pass", Files: []cell.File{{Name: "one", Content: content}}}
	many := cell.Request{Code: one.Code}
	for i := range inputFileCount {
		many.Files = append(many.Files, cell.File{
			Name:    fmt.Sprintf("a/b/c/d/e/f/g/%d", i),
			Content: content[:(inputFileBytes-8<<10)/inputFileCount],
		})
	}
	until := time.Now().Add(inputFor)
	return crowd(ctx, inputClients, func(ctx context.Context, i int) error {
		client := t.Client(runTimeout)
		defer client.Close()
		request := one
		if i%2 == 1 {
			request = many
		}
		for ctx.Err() == nil && time.Now().Before(until) {
			_, _ = t.Execute(ctx, client, request) // counted
		}
		return nil
	})
}

// mostFiles leaves the most that is returned: 32 files, 2 MiB together, and 32 more that
// are only named, with names that are as long as they can be.
var mostFiles = cell.Request{
	Code: `for i in range(64):
    with open(f"{i:02}" + "\U0001f40d" * 62, "wb") as file:
        file.write(bytes([i]) * ((2 << 20) // 32))
`,
	Outputs: []string{"*"},
	Timeout: 20,
}

// mostFilesAndEvents prints as well, so that there are events while it does.
var mostFilesAndEvents = func() cell.Request {
	r := mostFiles
	r.Code += strings.TrimPrefix(alternating.Code, "\n")
	return r
}()

func stopReadingFiles(ctx context.Context, t *Target) error {
	answer, err := post(mostFiles)
	if err != nil {
		return err
	}
	events, err := post(mostFilesAndEvents, inEvents)
	if err != nil {
		return err
	}
	return stopReadingAll(ctx, t, []string{answer, events})
}
