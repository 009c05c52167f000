package manifest

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"google.golang.org/api/run/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"knative.dev/serving/pkg/apis/autoscaling"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"
)

// Platform is who reads a manifest.
type Platform string

// The platforms that there are manifests for.
const (
	CloudRun   Platform = "Cloud Run"
	Knative    Platform = "Knative"
	Kubernetes Platform = "Kubernetes"
	Compose    Platform = "compose"
)

// queues says whether the platform holds requests until a slot is free.
func (p Platform) queues() bool { return p == CloudRun || p == Knative }

// Service is what the rules look at: the same things of every platform, as the
// manifest says them, before defaults are filled in. What a manifest does not
// say is empty or 0.
type Service struct {
	Platform    Platform
	Name        string
	Annotations map[string]string // of the service and of its revisions
	Concurrency int64             // requests at a time for each container, where the platform queues
	Timeout     time.Duration     // of a request, where the platform has one
	Grace       time.Duration     // from the order to stop to SIGKILL
	BeforeTerm  time.Duration     // how much of it passes before SIGTERM, in a preStop hook
	Account     string
	TokenInPod  bool // a service account's token is mounted
	Env         map[string]string
	Memory      string // the limit
	MemoryAsked string // the request
	CPU         string // the limit
	Port        int64
	Probes      map[string]Probe // by startup, readiness, liveness
	Mounts      map[string]Mount // by the folder
	Security    *corev1.SecurityContext
}

// Mount is a volume where the container sees it. One that is no emptyDir has no size.
type Mount struct {
	Memory   bool
	Size     int64 // bytes; 0: not said
	ReadOnly bool
}

// Probe is an HTTP probe. Any other kind has an empty path.
type Probe struct {
	Path    string
	Port    int64
	Period  time.Duration
	Timeout time.Duration
}

// queueProxyQuiet is for how long Knative's preStop hook waits for a pause in
// the requests, before the server has its SIGTERM.
const queueProxyQuiet = 30 * time.Second

// cloudRunGrace is what Cloud Run gives between SIGTERM and SIGKILL.
const cloudRunGrace = 10 * time.Second

func seconds(n int64) time.Duration { return time.Duration(n) * time.Second }

func ofCloudRun(s *run.Service) Service {
	spec := s.Spec.Template.Spec
	c := spec.Containers[0]
	out := Service{
		Platform: CloudRun, Annotations: map[string]string{}, Env: map[string]string{}, Probes: map[string]Probe{},
		Concurrency: spec.ContainerConcurrency, Timeout: seconds(spec.TimeoutSeconds), Grace: cloudRunGrace,
		Account: spec.ServiceAccountName, Mounts: map[string]Mount{},
	}
	for _, m := range c.VolumeMounts {
		i := slices.IndexFunc(spec.Volumes, func(v *run.Volume) bool { return v.Name == m.Name })
		mount := Mount{ReadOnly: m.ReadOnly}
		if i >= 0 && m.SubPath == "" && spec.Volumes[i].EmptyDir != nil {
			dir := spec.Volumes[i].EmptyDir
			mount.Memory = dir.Medium == string(corev1.StorageMediumMemory)
			if size, err := resource.ParseQuantity(dir.SizeLimit); err == nil {
				mount.Size = size.Value()
			}
		}
		out.Mounts[m.MountPath] = mount
	}
	if s.Metadata != nil {
		out.Name = s.Metadata.Name
		maps.Copy(out.Annotations, s.Metadata.Annotations)
	}
	if s.Spec.Template.Metadata != nil {
		maps.Copy(out.Annotations, s.Spec.Template.Metadata.Annotations)
	}
	if c.Resources != nil {
		out.Memory, out.MemoryAsked, out.CPU = c.Resources.Limits["memory"], c.Resources.Requests["memory"], c.Resources.Limits["cpu"]
	}
	if len(c.Ports) == 1 {
		out.Port = c.Ports[0].ContainerPort
	}
	for _, v := range c.Env {
		out.Env[v.Name] = v.Value
	}
	for kind, p := range map[string]*run.Probe{"startup": c.StartupProbe, "readiness": c.ReadinessProbe, "liveness": c.LivenessProbe} {
		if p == nil {
			continue
		}
		probe := Probe{Period: seconds(p.PeriodSeconds), Timeout: seconds(p.TimeoutSeconds)}
		if p.HttpGet != nil {
			probe.Path, probe.Port = p.HttpGet.Path, p.HttpGet.Port
		}
		out.Probes[kind] = probe
	}
	return out
}

func ofKnative(s *servingv1.Service) Service {
	template := &s.Spec.Template
	out := ofPod(&template.Spec.PodSpec)
	out.Platform, out.Name, out.BeforeTerm = Knative, s.Name, queueProxyQuiet
	maps.Copy(out.Annotations, s.Annotations)
	maps.Copy(out.Annotations, template.Annotations)
	if n := template.Spec.ContainerConcurrency; n != nil {
		out.Concurrency = *n
	}
	if n := template.Spec.TimeoutSeconds; n != nil {
		out.Timeout, out.Grace = seconds(*n), seconds(*n)
	}
	return out
}

func ofDeployment(d *appsv1.Deployment) Service {
	pod := &d.Spec.Template.Spec
	out := ofPod(pod)
	out.Platform, out.Name = Kubernetes, d.Name
	out.Grace = corev1.DefaultTerminationGracePeriodSeconds * time.Second
	if n := pod.TerminationGracePeriodSeconds; n != nil {
		out.Grace = seconds(*n)
	}
	if hooks := pod.Containers[0].Lifecycle; hooks != nil && hooks.PreStop != nil && hooks.PreStop.Sleep != nil {
		out.BeforeTerm = seconds(hooks.PreStop.Sleep.Seconds)
	}
	return out
}

// ofPod is what Knative's and Kubernetes' manifests have in common.
func ofPod(pod *corev1.PodSpec) Service {
	c := &pod.Containers[0]
	out := Service{
		Annotations: map[string]string{}, Env: map[string]string{}, Probes: map[string]Probe{},
		Account:    pod.ServiceAccountName,
		TokenInPod: pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken,
		Security:   c.SecurityContext,
		Mounts:     map[string]Mount{},
	}
	for _, m := range c.VolumeMounts {
		i := slices.IndexFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name })
		mount := Mount{ReadOnly: m.ReadOnly}
		if i >= 0 && m.SubPath == "" && pod.Volumes[i].EmptyDir != nil {
			dir := pod.Volumes[i].EmptyDir
			mount.Memory = dir.Medium == corev1.StorageMediumMemory
			if dir.SizeLimit != nil {
				mount.Size = dir.SizeLimit.Value()
			}
		}
		out.Mounts[m.MountPath] = mount
	}
	for name, into := range map[corev1.ResourceName]*string{corev1.ResourceMemory: &out.Memory, corev1.ResourceCPU: &out.CPU} {
		if q, ok := c.Resources.Limits[name]; ok {
			*into = q.String()
		}
	}
	if q, ok := c.Resources.Requests[corev1.ResourceMemory]; ok {
		out.MemoryAsked = q.String()
	}
	if len(c.Ports) == 1 {
		out.Port = int64(c.Ports[0].ContainerPort)
	}
	for _, v := range c.Env {
		out.Env[v.Name] = v.Value
	}
	for kind, p := range map[string]*corev1.Probe{"startup": c.StartupProbe, "readiness": c.ReadinessProbe, "liveness": c.LivenessProbe} {
		if p == nil {
			continue
		}
		probe := Probe{Period: seconds(int64(p.PeriodSeconds)), Timeout: seconds(int64(p.TimeoutSeconds))}
		if p.HTTPGet != nil {
			probe.Path, probe.Port = p.HTTPGet.Path, int64(p.HTTPGet.Port.IntValue())
		}
		out.Probes[kind] = probe
	}
	return out
}

// annotationsOf are the annotations that a platform reads, of those that the
// manifests could want. What it does not know it ignores, or refuses late.
var annotationsOf = map[Platform][]string{
	CloudRun: {
		// https://cloud.google.com/run/docs/reference/yaml/v1
		"autoscaling.knative.dev/minScale",
		"autoscaling.knative.dev/maxScale",
		"run.googleapis.com/cpu-throttling",
		"run.googleapis.com/execution-environment",
		"run.googleapis.com/ingress",
		"run.googleapis.com/invoker-iam-disabled",
		"run.googleapis.com/launch-stage",
		"run.googleapis.com/maxScale",
		"run.googleapis.com/minScale",
		"run.googleapis.com/scaling-concurrency-target",
		"run.googleapis.com/startup-cpu-boost",
		"run.googleapis.com/vpc-access-egress",
	},
	Knative: {
		autoscaling.ActivationScaleKey,
		autoscaling.ClassAnnotationKey,
		autoscaling.InitialScaleAnnotationKey,
		autoscaling.MaxScaleAnnotationKey,
		autoscaling.MetricAggregationAlgorithmKey,
		autoscaling.MetricAnnotationKey,
		autoscaling.MinScaleAnnotationKey,
		autoscaling.PanicThresholdPercentageAnnotationKey,
		autoscaling.PanicWindowPercentageAnnotationKey,
		autoscaling.ScaleDownDelayAnnotationKey,
		autoscaling.ScaleToZeroPodRetentionPeriodKey,
		autoscaling.TargetAnnotationKey,
		autoscaling.TargetBurstCapacityKey,
		autoscaling.TargetUtilizationPercentageKey,
		autoscaling.WindowAnnotationKey,
	},
}

// String names the manifest in a message.
func (s Service) String() string { return fmt.Sprintf("%s service %q", s.Platform, s.Name) }
