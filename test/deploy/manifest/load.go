package manifest

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"google.golang.org/api/run/v1"
	appsv1 "k8s.io/api/apps/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"knative.dev/pkg/apis"
	"knative.dev/serving/pkg/apis/config"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"
	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// strictly decodes one YAML document into v. A field that v does not have is an
// error, so is one that is there twice or in another case: a platform that
// ignores a misspelt number takes its default for it, and says nothing.
func strictly(document []byte, v any) error {
	text, err := yaml.YAMLToJSONStrict(document)
	if err != nil {
		return err
	}
	strict, err := json.UnmarshalStrict(text, v, json.DisallowUnknownFields, json.DisallowDuplicateFields)
	return errors.Join(err, errors.Join(strict...))
}

// documents are the YAML documents of one file.
func documents(file []byte) [][]byte {
	return bytes.Split(file, []byte("\n---\n"))
}

// ParseCloudRun reads a Cloud Run service. Its owner has no validation that
// could be asked here: types, and our rules, are what there is.
func ParseCloudRun(document []byte) (Service, error) {
	var s run.Service
	if err := strictly(document, &s); err != nil {
		return Service{}, fmt.Errorf("not a Cloud Run service: %w", err)
	}
	if s.Spec == nil || s.Spec.Template == nil || s.Spec.Template.Spec == nil || len(s.Spec.Template.Spec.Containers) != 1 {
		return Service{}, errors.New("not a Cloud Run service with one container")
	}
	return ofCloudRun(&s), nil
}

// ParseKnative reads a Knative service, fills in Knative's defaults and runs
// Knative's validation, as the webhook of a cluster does that has restricted
// pods for its default (secure-pod-defaults) or, if not restricted, that has
// every feature flag as it is delivered.
func ParseKnative(document []byte, restricted bool) (Service, error) {
	var s servingv1.Service
	if err := strictly(document, &s); err != nil {
		return Service{}, fmt.Errorf("not a Knative service: %w", err)
	}
	if len(s.Spec.Template.Spec.Containers) != 1 {
		return Service{}, errors.New("not a Knative service with one container")
	}
	asked := ofKnative(s.DeepCopy()) // what is below fills in more than was said
	flags := map[string]string{}
	if restricted {
		flags["secure-pod-defaults"] = "enabled"
	}
	features, err := config.NewFeaturesConfigFromMap(flags)
	if err != nil {
		return Service{}, err
	}
	cluster := *config.FromContextOrDefaults(context.Background())
	cluster.Features = features
	ctx := apis.WithinCreate(config.ToContext(context.Background(), &cluster))
	s.SetDefaults(ctx)
	if err := s.Validate(ctx); err != nil {
		return Service{}, fmt.Errorf("refused by Knative: %w", err)
	}
	return asked, nil
}

// ParseDeployment reads a Deployment for Kubernetes without Knative.
func ParseDeployment(document []byte) (Service, error) {
	var d appsv1.Deployment
	if err := strictly(document, &d); err != nil {
		return Service{}, fmt.Errorf("not a Deployment: %w", err)
	}
	if len(d.Spec.Template.Spec.Containers) != 1 {
		return Service{}, errors.New("not a Deployment with one container")
	}
	return ofDeployment(&d), nil
}

// ParseNetworkPolicy reads a network policy.
func ParseNetworkPolicy(document []byte) (*networkingv1.NetworkPolicy, error) {
	var p networkingv1.NetworkPolicy
	if err := strictly(document, &p); err != nil {
		return nil, fmt.Errorf("not a network policy: %w", err)
	}
	return &p, nil
}
