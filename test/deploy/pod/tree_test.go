//go:build linux

package pod

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"codecell/test/e2e/cell"
	"codecell/test/e2e/collector"
)

// tree is the caller's trace as the collector has it.
type tree struct {
	all      []collector.Span // in the order in which they began
	request  collector.Span   // the server's
	children []collector.Span // of request
}

// awaitTree returns the trace when the server's span is there, children of it
// with these names, and whatever is above it, up to the caller's own span, which
// nobody sends.
func awaitTree(t *testing.T, c *collector.Collector, names ...string) (tr tree) {
	t.Helper()
	c.Await(t, func() (err error) {
		tr, err = readTree(c, names)
		return err
	})
	return tr
}

func readTree(c *collector.Collector, names []string) (tr tree, err error) {
	if tr.all, err = c.Spans(callerTrace); err != nil {
		return tr, err
	}
	i := slices.IndexFunc(tr.all, func(s collector.Span) bool { return s.Name == requestSpan && s.Service == "codecell" })
	if i < 0 {
		return tr, fmt.Errorf("no span %q of codecell's among %+v", requestSpan, tr.all)
	}
	tr.request = tr.all[i]
	for _, s := range tr.all {
		if s.Parent == tr.request.ID {
			tr.children = append(tr.children, s)
		}
	}
	for _, name := range names {
		if !slices.Contains(tr.names(), name) {
			return tr, fmt.Errorf("no span %q below the request, only %q", name, tr.names())
		}
	}
	_, err = tr.above()
	return tr, err
}

// names are those of the children.
func (tr tree) names() []string {
	var names []string
	for _, s := range tr.children {
		names = append(names, s.Name)
	}
	return names
}

// above returns the spans from the request's parent up to the caller's child. The
// error says where the way up is broken.
func (tr tree) above() ([]collector.Span, error) {
	var way []collector.Span
	for at := tr.request; at.Parent != callerSpan; {
		i := slices.IndexFunc(tr.all, func(s collector.Span) bool { return s.ID == at.Parent })
		if i < 0 || len(way) > len(tr.all) {
			return way, fmt.Errorf("%s's %q has the parent %q, which is not there", at.Service, at.Name, at.Parent)
		}
		at = tr.all[i]
		way = append(way, at)
	}
	return way, nil
}

// keepsSecret fails the test when the collector was sent any of the program or
// of its output.
func (tr tree) keepsSecret(t *testing.T, c *collector.Collector) {
	t.Helper()
	received, err := c.Received()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(received, []byte(secret)) {
		t.Error("the program or its output was sent to the collector")
	}
	if !bytes.Contains(received, []byte(callerTrace)) {
		t.Error("what was looked through has no trace in it")
	}
}

// print shows the spans, the deeper the further in.
func (tr tree) print(t *testing.T) {
	t.Helper()
	millis := func(d time.Duration) string { return fmt.Sprintf("%.3f ms", float64(d.Microseconds())/1000) }
	table := cell.NewTable("service", "span", "begins after", "takes")
	depth := map[string]string{callerSpan: ""}
	for _, s := range tr.all {
		indent := depth[s.Parent]
		depth[s.ID] = indent + "  "
		table.Row(s.Service, indent+s.Name, millis(s.Start.Sub(tr.all[0].Start)), millis(s.Took()))
	}
	table.Print(t.Output())
}
