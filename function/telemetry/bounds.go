package telemetry

import sdktrace "go.opentelemetry.io/otel/sdk/trace"

// What telemetry may hold, whatever exporters and callers do.
const (
	maxQueue = 1024 // spans that wait, OTEL_BSP_MAX_QUEUE_SIZE at most; what comes then is dropped
	maxBatch = 256  // spans in one export
	// A span of ours has some 20 attributes and no event. What callers put into
	// them is cut.
	maxAttributes = 64
	maxValue      = 256 // bytes
	maxSeries     = 100 // of one instrument; what is more is counted together
	// maxHeader is how long a header may be that is taken for a trace's context:
	// each span carries its tracestate. W3C asks for 512 at least.
	maxHeader = 512
)

// What that takes in bytes, export included; TestBytes measures both.
const (
	traceBytes  = 8 << 20
	metricBytes = 4 << 20
)

// Bytes is what the exporters that c names may take at most, for the reserve.
func (c Config) Bytes() (n int64) {
	if c.Traces != "" {
		n += traceBytes
	}
	if c.Metrics != "" {
		n += metricBytes
	}
	return n
}

// boundQueue holds the environment's wishes to our bounds.
func boundQueue(o *sdktrace.BatchSpanProcessorOptions) {
	o.MaxQueueSize = min(o.MaxQueueSize, maxQueue)
	o.MaxExportBatchSize = min(o.MaxExportBatchSize, maxBatch, o.MaxQueueSize)
	o.BlockOnQueueFull = false
}

// spanLimits are the environment's, held to our bounds.
func spanLimits() sdktrace.SpanLimits {
	l := sdktrace.NewSpanLimits()
	bound := func(limit *int, most int) {
		if *limit < 0 || *limit > most { // negative: none
			*limit = most
		}
	}
	bound(&l.AttributeValueLengthLimit, maxValue)
	bound(&l.AttributeCountLimit, maxAttributes)
	bound(&l.EventCountLimit, maxAttributes)
	bound(&l.LinkCountLimit, 1)
	bound(&l.AttributePerEventCountLimit, maxAttributes)
	bound(&l.AttributePerLinkCountLimit, maxAttributes)
	return l
}
