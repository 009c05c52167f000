//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"time"

	"codecell/test/e2e/cell"
)

// packages is what a warm interpreter is worth to programs that import large packages, and
// what a folder costs to those that need none.
type packages struct {
	Import pair `json:"import"`    // numpy and pandas, beside a cold interpreter that imports them
	Apart  pair `json:"apart"`     // the same by a client that waits between two requests, in which caches go cold
	Chart  pair `json:"chart"`     // the same, and a figure as a picture in the answer
	Folder pair `json:"workspace"` // print(42) under standard, beside minimal
}

// packagesPython is where Debian's packages are.
const packagesPython = "/usr/bin/python3"

// betweenCalls is how long a client waits that is not always busy.
const betweenCalls = 50 * time.Millisecond

const (
	importCode = "import numpy, pandas"
	chartCode  = "import pandas, matplotlib.pyplot as plt\npandas.Series(range(100)).plot()\n"
	coldChart  = "import matplotlib; matplotlib.use('agg')\n" + chartCode + "import io\nplt.savefig(io.BytesIO())\n"
)

// measurePackages asks servers of the profiles that the other stages do not look at.
func measurePackages(ctx context.Context, b *bench) (err error) {
	if out, err := exec.CommandContext(ctx, packagesPython, "-c", "import pandas, scipy, matplotlib").CombinedOutput(); err != nil {
		return fmt.Errorf("want Debian's python3-pandas, python3-scipy and python3-matplotlib: %w: %s", err, out)
	}
	clients := map[string]*rawClient{}
	var servers []*cell.Server
	defer func() {
		for _, s := range servers {
			err = errors.Join(err, s.Stop())
		}
	}()
	for name, code := range map[string]string{"data-science": importCode, "data-science chart": chartCode, "standard": print42.code, "minimal": print42.code} {
		profile := name
		if name == "data-science chart" {
			profile = "data-science"
		}
		s, err := cell.Start(ctx, cell.Options{Binary: b.binary, Env: []string{"SANDBOX_PROFILE=" + profile, "SANDBOX_PYTHON=" + packagesPython}})
		if err != nil {
			return err
		}
		servers = append(servers, s)
		clients[name] = newRawClient(address(s), post(sample{code: code}.body()))
	}
	p := &b.report.Packages
	p.Import.Name, p.Apart.Name = "import numpy, pandas", fmt.Sprintf("the same, %v apart", betweenCalls)
	p.Chart.Name, p.Folder.Name = "a chart of 100 points", "print(42), standard beside minimal"
	ours := func(name, want string) func(int) ([]time.Duration, error) {
		return func(n int) ([]time.Duration, error) { return clients[name].turn(n, http.StatusOK, want) }
	}
	apart := func(name, want string) func(int) ([]time.Duration, error) {
		return func(n int) (took []time.Duration, err error) {
			for range n {
				time.Sleep(betweenCalls)
				one, err := clients[name].turn(1, http.StatusOK, want)
				if err != nil {
					return nil, err
				}
				took = append(took, one...)
			}
			return took, nil
		}
	}
	cold := func(code string) func(int) ([]time.Duration, error) {
		return func(n int) ([]time.Duration, error) { return timeCommand(ctx, n, packagesPython, "-I", "-c", code) }
	}
	const ok, picture = `"outcome":"ok"`, `"name":"figure-1.png","media_type":"image/png"`
	err = b.takeTurns([]turn{
		{"cold " + importCode, &p.Import.Limit, b.plan.coldImports, cold(importCode)},
		{importCode, &p.Import.Ours, 10 * b.plan.coldImports, ours("data-science", ok)},
		{"apart", &p.Apart.Ours, 10 * b.plan.coldImports, apart("data-science", ok)},
		{"cold chart", &p.Chart.Limit, b.plan.coldImports, cold(coldChart)},
		{"chart", &p.Chart.Ours, 4 * b.plan.coldImports, ours("data-science chart", picture)},
		{"minimal", &p.Folder.Limit, print42.times / 4, ours("minimal", print42.want)},
		{"standard", &p.Folder.Ours, print42.times / 4, ours("standard", print42.want)},
	})
	p.Apart.Limit = p.Import.Limit
	return err
}

func (r *report) packageTables() []*cell.Table {
	p := &r.Packages
	return []*cell.Table{
		pairTable("packages, data-science", "cold python3", &p.Import, &p.Apart, &p.Chart),
		pairTable("a folder to work in", "minimal", &p.Folder),
	}
}

// faster is how many times faster a warm import is than a cold one.
func (p *packages) faster() float64 { return 1 / p.Import.ratio(0.5) }
