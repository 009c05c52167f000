//go:build linux

package memory

import (
	"context"
	"strings"
	"time"

	"codecell/test/rawhttp"
)

// treeBodies: JSON of a MiB that a decoder without a type to fill would make 50 MiB
// of, from 16 clients at once.
var treeBodies = Attack{
	Name:    "tree-bodies",
	Route:   "bodies that decode into something larger",
	Client:  sendTrees,
	Answers: []Seen{Served, Full, "400 malformed-json", "400 no-code", "422 invalid-fields"},
}

// parserTrees: the same in Python, where the tree is the run's own.
var parserTrees = Attack{
	Name:    "parser-trees",
	Route:   "bodies that decode into something larger",
	Client:  sendParserTrees,
	Answers: []Seen{Served, Full},
}

const (
	treeClients = 16
	treeTime    = 5 * time.Second
)

// fill repeats a piece between two ends until it is as long as a body may be.
func fill(before, piece, after string) string {
	return before + strings.Repeat(piece, (bodyMost-len(before)-len(after))/len(piece)) + after
}

func sendTrees(ctx context.Context, t *Target) error {
	return sendBodies(ctx, t, []string{
		fill("", "[", ""),
		fill("", `{"a":`, ""),
		fill(`{"code": "", "x": [`, "0,", "0]}"),
		fill(`{"code": [`, "[],", "0]}"),
		fill(`{"code": [`, `{"":0},`, "0]}"),
		fill(`{"code": "`, `\u0009`, `"}`), // blank
		fill(`{"code": "#`, `\ud83d\ude00`, `"}`),
		fill(`{"code": "#`, "\u0800", `"}`),
		fill(`{"code": "", "timeout": 1`, "0", "}"),
		fill("{", `"":0,`, `"code": ""}`),
		fill(`{"code": "", "args": [`, `"",`, `""]}`),
		fill(`{"code": "", "env": {`, `"A":"",`, `"B":""}}`),
		fill(`{"`, "x", `": 0}`),
		fill(" ", " ", `{"code": "print(42)"}`),
	})
}

func sendParserTrees(ctx context.Context, t *Target) error {
	return sendBodies(ctx, t, []string{
		fill(`{"code": "`, `a;`, `"}`),
		fill(`{"code": "x = `, "[", `"}`),
		fill(`{"code": "x = `, "-", `0"}`),
		fill(`{"code": "x = 0`, "+0", `"}`),
		fill(`{"code": "x = {`, "0:0,", `}"}`),
		fill(`{"code": "x = f'`, "{0}", `'"}`),
		fill(`{"code": "x = `, "lambda:", `0"}`),
		fill(`{"code": "def f(a`, "=0,b", `): 0"}`),
		fill(`{"code": "`, "é;", `"}`),
		fill(`{"code": "x = `, "9", `"}`),
		fill(`{"code": "`, `if 0:\n `, `0"}`),
		fill(`{"code": "# `, " ", `"}`),
	})
}

// sendBodies posts each body in turn from many clients, for treeTime.
func sendBodies(ctx context.Context, t *Target, bodies []string) error {
	paused, cancel := context.WithTimeout(ctx, treeTime)
	defer cancel()
	return crowd(ctx, treeClients, func(ctx context.Context, i int) error {
		for n := i; paused.Err() == nil; n++ {
			body := bodies[n%len(bodies)]
			c, leave, err := t.dial(ctx)
			if err != nil {
				return err
			}
			if c.Send(rawhttp.PostJSON("/execute", body, len(body), "Connection: close")) == nil {
				t.sawNext(ctx, c, 2*runTimeout)
			} // else refused while it was sent: the answer may be lost with the rest
			leave()
			stayAway(paused)
		}
		return nil
	})
}
