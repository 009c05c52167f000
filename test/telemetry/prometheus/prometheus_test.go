//go:build linux

package prometheus

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"codecell/test/e2e/daemon"
	"codecell/test/telemetry/monitoring"
)

// scrapeInterval is short, so that the tests are.
const scrapeInterval = 200 * time.Millisecond

// server is a real Prometheus that scrapes one target as the job codecell, and
// has our alert rules.
type server struct {
	daemon *daemon.Daemon
	url    string
}

func startPrometheus(t *testing.T, target string) *server {
	t.Helper()
	requireCommand(t, "prometheus")
	rules, err := filepath.Abs(monitoring.AlertsFile)
	if err != nil {
		t.Fatal(err)
	}
	type object = map[string]any
	config, err := json.Marshal(object{ // YAML, of which JSON is a part
		"global":         object{"scrape_interval": scrapeInterval.String(), "scrape_timeout": scrapeInterval.String(), "evaluation_interval": scrapeInterval.String()},
		"rule_files":     []string{rules},
		"scrape_configs": []object{{"job_name": "codecell", "static_configs": []object{{"targets": []string{strings.TrimPrefix(target, "http://")}}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "prometheus.yaml")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	port := daemon.FreePort(t)
	p := &server{url: "http://127.0.0.1:" + port}
	p.daemon = daemon.Start(t, nil, "/usr/bin/prometheus",
		"--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address=127.0.0.1:"+port)
	p.awaitScrape(t)
	return p
}

// awaitScrape returns when everything that has happened by now was scraped.
func (p *server) awaitScrape(t *testing.T) {
	t.Helper()
	now := float64(time.Now().UnixNano()) / 1e9
	p.daemon.Await(t, func() error {
		answer, err := p.query(t, fmt.Sprintf(`timestamp(codecell_build_info) > %.3f`, now))
		if err == nil && len(answer) == 0 {
			err = fmt.Errorf("nothing was scraped since %v", now)
		}
		return err
	})
}

// query returns what an instant query answers: values by the labels in them,
// {} for none.
func (p *server) query(t *testing.T, query string) (map[string]float64, error) {
	t.Helper()
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any // when, and the number as text
			}
		}
		Error string
	}
	if err := p.get(t, "/api/v1/query?query="+url.QueryEscape(query), &answer); err != nil {
		return nil, err
	}
	if answer.Error != "" {
		return nil, fmt.Errorf("%s: %s", query, answer.Error)
	}
	values := map[string]float64{}
	for _, r := range answer.Data.Result {
		var labels []string
		for name, value := range r.Metric {
			if name != "__name__" && name != "job" && name != "instance" {
				labels = append(labels, name+"="+value)
			}
		}
		v, err := strconv.ParseFloat(fmt.Sprint(r.Value[1]), 64)
		if err != nil {
			return nil, err
		}
		values[strings.Join(labels, ",")] = v
	}
	return values, nil
}

// firing returns the names of the alerts that fire.
func (p *server) firing(t *testing.T) (map[string]bool, error) {
	t.Helper()
	var answer struct {
		Data struct {
			Alerts []struct {
				Labels map[string]string
				State  string
			}
		}
	}
	if err := p.get(t, "/api/v1/alerts", &answer); err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, alert := range answer.Data.Alerts {
		if alert.State == "firing" {
			names[alert.Labels["alertname"]] = true
		}
	}
	return names, nil
}

func (p *server) get(t *testing.T, path string, to any) error {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+path, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	return json.NewDecoder(answer.Body).Decode(to)
}
