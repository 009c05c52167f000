//go:build linux

package pod

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"codecell/test/deploy/manifest"
	"codecell/test/e2e/built"
	"codecell/test/e2e/cell"
	"codecell/test/e2e/daemon"
	"codecell/test/e2e/volume"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// answerTime bounds a request that is expected to be answered, queueing included.
const answerTime = 30 * time.Second

// A pod is a server and the queue-proxy in front of it, by a manifest.
type pod struct {
	manifest.Service

	server *cell.Server
	inside *cell.Client // past queue-proxy
	client *cell.Client
	url    string // of queue-proxy
}

// startPod returns a pod that queue-proxy calls ready. The server has the
// manifest's environment, changed by env; requests at a time are the manifest's.
func startPod(t *testing.T, env ...string) *pod {
	t.Helper()
	return startPodWith(t, env, nil)
}

// startPodWith is startPod with changes to the environment of queue-proxy too.
func startPodWith(t *testing.T, env, proxyEnv []string) *pod {
	t.Helper()
	return startPodOf(t, service, env, proxyEnv)
}

// startPodOf is startPodWith by another manifest than service.yaml.
func startPodOf(t *testing.T, by manifest.Service, env, proxyEnv []string) *pod {
	t.Helper()
	requireNetwork(t)
	opts := cell.Options{Binary: os.Getenv(codecellEnv)}
	for name, value := range by.Env {
		opts.Env = append(opts.Env, name+"="+value)
	}
	opts.Env = append(append(opts.Env, "SANDBOX_MEMORY_LIMIT="+by.Memory), env...)
	if at, ok := by.Mounts[by.Env["SANDBOX_WORKSPACE"]]; ok {
		require(t, "workspaces", "what workspaces need", volume.Able())
		// Not at the manifest's path, where this machine has no folder.
		dir, remove, err := built.Dir()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(remove)
		opts.Wrap = volume.Wrap(dir, at.Size)
		opts.Env = append(opts.Env, "SANDBOX_WORKSPACE="+dir)
	}
	server, err := cell.Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Kill() // a test that is about the end has looked at it already
		if t.Failed() {
			t.Logf("the server's log:\n%s", server.Log())
		}
	})
	p := &pod{Service: by, server: server, inside: server.Client(answerTime)}
	p.url = p.startQueueProxy(t, proxyEnv)
	p.client = (&cell.Server{URL: p.url}).Client(answerTime)
	t.Cleanup(p.inside.Close)
	t.Cleanup(p.client.Close)
	eventually(t, "ready through queue-proxy", func() bool { return p.probe(t) == http.StatusOK })
	return p
}

// startQueueProxy starts it in front of the server, with the environment of a pod,
// changed by env, and returns its URL.
func (p *pod) startQueueProxy(t *testing.T, env []string) string {
	t.Helper()
	to, err := url.Parse(p.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	ready := p.Probes["readiness"]
	probe, err := json.Marshal(corev1.Probe{
		ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
			Scheme: corev1.URISchemeHTTP, Host: "127.0.0.1", // as Kubernetes and Knative fill them in
			Path: ready.Path, Port: intstr.Parse(to.Port()),
		}},
		PeriodSeconds:    int32(ready.Period.Seconds()),
		TimeoutSeconds:   int32(ready.Timeout.Seconds()),
		SuccessThreshold: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	port := daemon.FreePort(t)
	// Asked politely to end it waits for 30 s without a request.
	daemon.Start(t, append([]string{
		fmt.Sprintf("CONTAINER_CONCURRENCY=%d", p.Concurrency),
		fmt.Sprintf("REVISION_TIMEOUT_SECONDS=%d", int(p.Timeout.Seconds())),
		"USER_PORT=" + to.Port(),
		"QUEUE_SERVING_PORT=" + port,
		"QUEUE_SERVING_TLS_PORT=0", // without a certificate it is not opened
		"SERVING_READINESS_PROBE=" + string(probe),
		"SERVING_LOGGING_CONFIG=", "SERVING_LOGGING_LEVEL=", // have to exist
		"SERVING_NAMESPACE=default", "SERVING_SERVICE=codecell", "SERVING_CONFIGURATION=codecell",
		"SERVING_REVISION=codecell-00001", "SERVING_POD=codecell-00001-pod", "SERVING_POD_IP=127.0.0.1",
		"POD_NAME=codecell-00001-pod", "SYSTEM_NAMESPACE=knative-serving", "OBSERVABILITY_CONFIG={}",
	}, env...), os.Getenv(queueEnv))
	return "http://127.0.0.1:" + port
}

// probe asks for the pod's readiness as the kubelet does, through queue-proxy,
// and returns the status; 0 is no answer within a second, which the kubelet
// takes for a no. (Asked for a server that is not ready, queue-proxy goes on
// asking for 10 s before it says so.)
func (p *pod) probe(t *testing.T) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("User-Agent", "kube-probe/1.34")
	r.Header.Set("K-Network-Probe", "queue")
	client := http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode
}

// reply is what came of a request.
type reply struct {
	cell.Answer
	err  error
	took time.Duration
}

// send posts a program through queue-proxy in the background.
func (p *pod) send(t *testing.T, r cell.Request) <-chan reply {
	begin := time.Now()
	out := make(chan reply, 1)
	go func() {
		answer, err := p.client.Execute(t.Context(), r)
		if answer.Status != 0 && strings.HasPrefix(answer.Header.Get("Content-Type"), "text/plain") {
			err = nil // queue-proxy's own answers are no JSON
		}
		out <- reply{answer, err, time.Since(begin)}
	}()
	return out
}

// post sends a program through queue-proxy with one more header, on a connection
// of its own.
func (p *pod) post(t *testing.T, code, header, value string) (a cell.Answer) {
	t.Helper()
	body, err := json.Marshal(cell.Request{Code: code})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+"/execute", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(header, value)
	client := http.Client{Timeout: answerTime, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	a.Status, a.Header = answer.StatusCode, answer.Header
	if a.Body, err = io.ReadAll(answer.Body); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(a.Body, &a); err != nil {
		t.Fatalf("%v: %v", a, err)
	}
	return a
}

// awaitRun returns when a program runs.
func (p *pod) awaitRun(t *testing.T) {
	t.Helper()
	eventually(t, "a program that runs", func() bool {
		profile, err := p.inside.Profile(t.Context())
		return err == nil && profile.Admission.InFlight > 0
	})
}

// eventually asks until the answer is yes, for 20 s at most.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("no %s after 20 s", what)
		}
		time.Sleep(5 * time.Millisecond) // between two looks at another process
	}
}
