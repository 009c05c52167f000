package telemetry

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"

	"github.com/prometheus/common/expfmt"
)

// ErrNoScrape is what Scrape returns where metrics are not there to be fetched.
var ErrNoScrape = errors.New("telemetry: OTEL_METRICS_EXPORTER is not prometheus")

// Scrapes says whether somebody may come and fetch the metrics.
func (t *Telemetry) Scrapes() bool { return t.scrape != nil }

// Scrape returns all metrics as Prometheus reads them, in the format that the
// Accept header asks for: its text, or OpenMetrics, which has exemplars.
func (t *Telemetry) Scrape(header http.Header) (text []byte, mediaType string, err error) {
	if t.scrape == nil {
		return nil, "", ErrNoScrape
	}
	families, err := t.scrape.Gather()
	if err != nil {
		return nil, "", fmt.Errorf("telemetry: %w", err)
	}
	format := expfmt.NegotiateAccept(header, expfmt.FmtText, expfmt.FmtOpenMetrics_1_0_0)
	var b bytes.Buffer
	encoder := expfmt.NewEncoder(&b, format)
	for _, family := range families {
		if err := encoder.Encode(family); err != nil {
			return nil, "", fmt.Errorf("telemetry: %s: %w", family.GetName(), err)
		}
	}
	if closer, ok := encoder.(expfmt.Closer); ok { // OpenMetrics ends with a mark
		if err := closer.Close(); err != nil {
			return nil, "", fmt.Errorf("telemetry: %w", err)
		}
	}
	return b.Bytes(), string(format), nil
}
