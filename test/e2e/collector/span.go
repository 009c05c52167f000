//go:build linux

package collector

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Server is the kind of a span that is about a request which came in: OTLP's
// SPAN_KIND_SERVER.
const Server = 2

// Span is one span as OTLP has it.
type Span struct {
	Service    string // service.name of its resource
	Name       string
	Kind       int
	Trace      string
	ID         string
	Parent     string // "" where it has none
	Start, End time.Time
	Attributes map[string]string
}

// Took is how long it lasted.
func (s Span) Took() time.Duration { return s.End.Sub(s.Start) }

// Spans returns the spans of a trace in the order in which they began.
func (c *Collector) Spans(trace string) ([]Span, error) {
	received, err := c.Received()
	if err != nil {
		return nil, err
	}
	var found []Span
	for line := range bytes.Lines(received) {
		spans, err := parseSpans(line)
		if err != nil {
			return nil, err
		}
		for _, s := range spans {
			if s.Trace == trace {
				found = append(found, s)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b Span) int { return a.Start.Compare(b.Start) })
	return found, nil
}

// parseSpans reads a line of the file: an ExportTraceServiceRequest in the JSON
// of OTLP, where numbers of 64 bits are strings. A line that is still being
// written, or that has metrics, has no spans.
func parseSpans(line []byte) ([]Span, error) {
	if !bytes.HasSuffix(line, []byte("\n")) {
		return nil, nil
	}
	var request struct {
		ResourceSpans []struct {
			Resource   struct{ Attributes attributes }
			ScopeSpans []struct {
				Spans []struct {
					Name, TraceID, SpanID, ParentSpanID string
					Kind                                int
					StartTimeUnixNano, EndTimeUnixNano  string
					Attributes                          attributes
				}
			}
		}
	}
	if err := json.Unmarshal(line, &request); err != nil {
		return nil, fmt.Errorf("%w in what the collector wrote: %s", err, line)
	}
	var spans []Span
	for _, resource := range request.ResourceSpans {
		service := resource.Resource.Attributes.values()["service.name"]
		for _, scope := range resource.ScopeSpans {
			for _, s := range scope.Spans {
				start, err := unixNano(s.StartTimeUnixNano)
				if err != nil {
					return nil, err
				}
				end, err := unixNano(s.EndTimeUnixNano)
				if err != nil {
					return nil, err
				}
				spans = append(spans, Span{
					Service: service, Name: s.Name, Kind: s.Kind,
					Trace: s.TraceID, ID: s.SpanID, Parent: s.ParentSpanID,
					Start: start, End: end, Attributes: s.Attributes.values(),
				})
			}
		}
	}
	return spans, nil
}

func unixNano(digits string) (time.Time, error) {
	n, err := strconv.ParseInt(digits, 10, 64)
	return time.Unix(0, n), err
}

// attributes are a list of names with values that say their type.
type attributes []struct {
	Key   string
	Value map[string]json.RawMessage // one of stringValue, intValue, ...
}

// values returns them by name: strings as they are, others as JSON has them.
func (as attributes) values() map[string]string {
	values := map[string]string{}
	for _, a := range as {
		for _, raw := range a.Value {
			var text string
			if json.Unmarshal(raw, &text) != nil {
				text = string(raw)
			}
			values[a.Key] = text
		}
	}
	return values
}
