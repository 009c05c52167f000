package telemetry

import (
	"cmp"
	"context"
	"crypto/rand"
	"log/slog"
	"runtime/debug"
	"time"

	"go.opentelemetry.io/contrib/detectors/gcp"
	"go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// detectTime is how long Google's metadata server has to say where we are. On
// Knative elsewhere there is none, and nobody says so.
const detectTime = time.Second

// newResource says what exports. What the environment says goes before what was found.
func newResource(ctx context.Context, cfg Config, log *slog.Logger) (*resource.Resource, error) {
	res := resource.NewWithAttributes(semconv.SchemaURL,
		semconv.ServiceName(cmp.Or(cfg.Service, scope)),
		semconv.ServiceVersion(Version()),
		semconv.ServiceInstanceID(rand.Text()),
	)
	if cfg.Serverless {
		res = merge(res, detect(gcp.NewDetector(), log))
	}
	said, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, err
	}
	return merge(res, said), nil
}

// merge returns a with b over it. Schemas that differ are no reason to have neither.
func merge(a, b *resource.Resource) *resource.Resource {
	merged, err := resource.Merge(a, b)
	if err != nil {
		merged = resource.NewSchemaless(append(a.Attributes(), b.Attributes()...)...)
	}
	return merged
}

// detect asks the detector, and does not wait for it any longer than detectTime:
// it takes no context's word for that.
func detect(d resource.Detector, log *slog.Logger) *resource.Resource {
	found := make(chan *resource.Resource, 1)
	go func() {
		res, err := d.Detect(context.Background()) // partly found is better than nothing
		if err != nil {
			log.Debug("the platform's metadata", "error", err)
		}
		found <- res
	}()
	select {
	case res := <-found:
		if res != nil {
			return res
		}
	case <-time.After(detectTime):
		log.Debug("the platform's metadata: no answer", "within", detectTime)
	}
	return resource.Empty()
}

// project is the one that the environment names, or the platform.
func project(cfg Config, res *resource.Resource) string {
	found, _ := res.Set().Value(semconv.CloudAccountIDKey)
	return cmp.Or(cfg.Project, found.AsString())
}

// Version is this build's.
func Version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}
