package telemetry

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
)

type detector func() *resource.Resource

func (d detector) Detect(context.Context) (*resource.Resource, error) { return d(), nil }

// TestMetadataServer has a second, whatever it does with it.
func TestMetadataServer(t *testing.T) {
	t.Parallel()
	google := resource.NewSchemaless(attribute.String("cloud.account.id", "my-project"), attribute.String("faas.name", "cell"))
	for name, c := range map[string]struct {
		takes time.Duration
		says  *resource.Resource
		want  string // the project
	}{
		"answers":       {time.Millisecond, google, "my-project"},
		"knows nothing": {time.Millisecond, nil, ""},
		"hangs":         {time.Hour, google, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			begun := time.Now()
			found := detect(detector(func() *resource.Resource {
				time.Sleep(c.takes)
				return c.says
			}), slog.New(slog.DiscardHandler))
			if took := time.Since(begun); took != min(c.takes, detectTime) {
				t.Errorf("%s: %v", name, took)
			}
			if got := project(Config{}, found); got != c.want {
				t.Errorf("%s: project %q, want %q", name, got, c.want)
			}
			if got := project(Config{Project: "said"}, found); got != "said" {
				t.Errorf("%s: the environment's project is %q", name, got)
			}
			time.Sleep(c.takes) // until nobody is left behind
		})
	}
}

// TestResource: what the environment says goes before what we call ourselves.
func TestResource(t *testing.T) {
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=theirs,team=a")
	res, err := newResource(t.Context(), Config{Service: "k-service"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[attribute.Key]string{"service.name": "theirs", "team": "a", "telemetry.sdk.language": "go"} {
		if got, _ := res.Set().Value(key); got.AsString() != want {
			t.Errorf("%s is %q, want %q", key, got.AsString(), want)
		}
	}
	if _, ok := res.Set().Value("service.instance.id"); !ok {
		t.Error("two instances would be one series")
	}
}
