//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"codecell/test/e2e/cell"
	"codecell/test/mutant"
)

// layers are the prices of the product's parts, beside a bare fork.
type layers struct {
	Bare     samples    `json:"bare_fork"`
	BareRate rates      `json:"bare_fork_loops_per_second"`
	Product  *variant   `json:"product"`
	Variants []*variant `json:"variants"`
}

// A variant is the product with one thing changed.
type variant struct {
	Layer string `json:"layer"`
	// Extra: the variant has it and the product has not, as it comes.
	Extra bool `json:"extra"`

	Latency   samples `json:"latency"`    // of one client
	PerSecond rates   `json:"per_second"` // with more clients than slots

	binary string
	env    []string
	server *cell.Server
	client *rawClient
}

// again is a second server of the same binary: the price of nothing, below which no
// price means anything.
const again = "nothing (the same again)"

// layerClients keep both slots busy: a run's jail, which one client finds done ahead,
// has its price there.
const layerClients = 2 * slots

// measureLayers lets print(42) run on the product, on what it would be without each
// layer, and with telemetry, in turns.
func measureLayers(ctx context.Context, b *bench) (err error) {
	dir, err := os.MkdirTemp("", "codecell-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	// Where the server is root, it starts its binary again as another user.
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	trivial, err := startTrivial(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, trivial.close()) }()
	l := &b.report.Layers
	l.Product = &variant{Layer: "product", binary: b.binary}
	l.Variants = []*variant{
		{Layer: again, binary: b.binary},
		{Layer: "traces and metrics, sent by OTLP", Extra: true, binary: b.binary, env: []string{
			"OTEL_TRACES_EXPORTER=otlp", "OTEL_METRICS_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_ENDPOINT=http://" + trivial.address,
		}},
	}
	for i, without := range lesser {
		b.say("building without %s, %d of %d", without.layer, i+1, len(lesser))
		binary, err := mutant.Build(ctx, dir, without.layer, without.edits)
		if err != nil {
			return fmt.Errorf("without %s: %w", without.layer, err)
		}
		l.Variants = append(l.Variants, &variant{Layer: without.layer, binary: binary})
	}

	bare, err := startBareFork(ctx, b.report.Python, b.modules)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bare.close()) }()
	second, err := startBareFork(ctx, b.report.Python, b.modules)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, second.close()) }()
	all := append([]*variant{l.Product}, l.Variants...)
	defer func() {
		for _, v := range all {
			err = errors.Join(err, v.stop())
		}
	}()
	for _, v := range all {
		if err := v.start(ctx, b.plan.warmUp); err != nil {
			return fmt.Errorf("%s: %w", v.Layer, err)
		}
	}
	for round := range b.plan.rounds {
		b.round(round)
		if err := l.measureRound(b, all, []*bareFork{bare, second}); err != nil {
			return err
		}
		slices.Reverse(all) // whoever came first comes last
	}
	return nil
}

func (l *layers) measureRound(b *bench, all []*variant, bare []*bareFork) error {
	took, err := bare[0].turn(print42, b.plan.layer)
	if err != nil {
		return err
	}
	l.Bare.add(took)
	rate, err := forksPerSecond(bare, b.plan.layerRate)
	if err != nil {
		return err
	}
	l.BareRate = append(l.BareRate, rate)
	for _, v := range all {
		if took, err = v.client.turn(b.plan.layer, print42.status, print42.want); err != nil {
			return fmt.Errorf("%s: %w", v.Layer, err)
		}
		v.Latency.add(took)
		if rate, err = runsPerSecond(address(v.server), layerClients, b.plan.layerRate); err != nil {
			return fmt.Errorf("%s: %w", v.Layer, err)
		}
		v.PerSecond = append(v.PerSecond, rate)
	}
	return nil
}

func (v *variant) start(ctx context.Context, warmUp int) (err error) {
	if v.server, err = cell.Start(ctx, cell.Options{Binary: v.binary, Env: append(v.env, twoSlots...)}); err != nil {
		return err
	}
	v.client = newRawClient(address(v.server), post(print42.body()))
	if err := v.check(ctx); err != nil {
		return err
	}
	_, err = v.client.turn(warmUp, print42.status, print42.want)
	return err
}

// check asks the server whether it really is without the layer, where that is one
// which it reports.
func (v *variant) check(ctx context.Context) error {
	prefix := map[string]string{"Landlock": "landlock", "namespaces": "namespace_"}[v.Layer]
	if prefix == "" {
		return nil
	}
	client := v.server.Client(10 * time.Second)
	defer client.Close()
	profile, err := client.Profile(ctx)
	if err != nil {
		return err
	}
	for _, layer := range profile.Isolation {
		if strings.HasPrefix(layer.Layer, prefix) && layer.State == "active" {
			return fmt.Errorf("layer %s is active", layer.Layer)
		}
	}
	return nil
}

func (v *variant) stop() error {
	if v.server == nil {
		return nil
	}
	return v.server.Stop()
}

// price is what the layer costs one client, in microseconds, for each round.
func (v *variant) price(product *variant) rates {
	return v.signed(product, func(of *variant, round int) float64 { return micros(of.Latency.Medians[round]) })
}

// busyPrice is what it costs a run where both slots are always busy: of the time
// that passes from one answer to the next, times the slots.
func (v *variant) busyPrice(product *variant) rates {
	return v.signed(product, func(of *variant, round int) float64 { return slots * 1e6 / of.PerSecond[round] })
}

func (v *variant) signed(product *variant, cost func(of *variant, round int) float64) rates {
	prices := make(rates, len(v.PerSecond))
	for round := range prices {
		prices[round] = cost(product, round) - cost(v, round)
		if v.Extra {
			prices[round] = -prices[round]
		}
	}
	return prices
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
