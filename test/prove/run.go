//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"codecell/test/memory"
)

// prove makes every attack on every configuration. It cleans up before it
// returns, whatever happened.
func prove(ctx context.Context, w wish) (err error) {
	if err := requireTools(); err != nil {
		return err
	}
	if !w.mutations {
		if err := buildImages(ctx, w.binary, w.configurations); err != nil {
			return err
		}
	}
	if w.cpu == memory.Core {
		if err := memory.LeaveCore(); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("", "codecell-prove-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p := &proof{wish: w, dir: dir, controlled: make(map[string]bool), name: fmt.Sprintf("%s%d", prefix, os.Getpid())}
	if err := memory.RemoveStale(prefix); err != nil {
		return err
	}
	if p.seccomp, err = writeInputs(dir); err != nil {
		return err
	}
	if p.livez, err = buildCommand(ctx, dir, "livez"); err != nil {
		return err
	}
	hold, err := buildCommand(ctx, dir, "hold")
	if err != nil {
		return err
	}
	if p.stall, err = memory.MeasureStall(ctx, hold, w.cpu); err != nil {
		return err
	}
	progress("a core stalls for %v here when a process with %d MiB is taken down", time.Duration(p.stall).Round(time.Millisecond), memory.StallMiB)
	trivial, err := buildCommand(ctx, dir, "trivial")
	if err != nil {
		return err
	}
	if p.queue, err = memory.MeasureQueue(ctx, trivial, p.livez, w.cpu); err != nil {
		return err
	}
	progress("a health check waits for %v here behind a crowd at a trivial server", time.Duration(p.queue).Round(time.Millisecond))
	defer func() { err = errors.Join(err, p.cleanUp()) }()

	if w.mutations {
		return p.mutate(ctx)
	}
	report := &report{Began: time.Now().UTC(), Machine: machine(), CPU: w.cpu, Stall: p.stall, Queue: p.queue}
	var made error
	for _, conf := range w.configurations {
		if made = p.configuration(ctx, conf, report); made != nil {
			break
		}
	}
	report.print(os.Stdout)
	if w.json != "" {
		made = errors.Join(made, report.write(w.json))
	}
	if off, _ := report.off(); made == nil && off > 0 {
		made = errBreached
	}
	return made
}

// buildCommand builds a command of test/memory, such as the one that checks the
// server's health.
func buildCommand(ctx context.Context, dir, name string) (binary string, err error) {
	binary = filepath.Join(dir, name)
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, "codecell/test/memory/"+name)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build test/memory/%s: %w: %s", name, err, out)
	}
	return binary, nil
}

// prefix begins the name of everything that is made; the process's number follows.
const prefix = "codecell-prove-"

// proof is one run of this command.
type proof struct {
	wish
	name       string // of the cgroup, and how those of the containers begin
	mutant     bool   // the image is that of a mutant
	dir        string // for files
	seccomp    string // one of them
	livez      string // the binary of that command
	stall      memory.Stall
	queue      memory.Queue
	containers int             // so far, for their names
	idle       int64           // what an empty program charges outside, in bytes; 0: not measured yet
	controlled map[string]bool // the attacks whose control was made
}

// options are those of a container below a cgroup of this name.
func (p *proof) options(c configuration, parent string) memory.Options {
	from := c.image()
	if p.mutant {
		from = mutantImage
	}
	return memory.Options{
		Image: from, Seccomp: p.seccomp, Profile: profileFile(p.dir, c.profile), Livez: p.livez,
		Has: c.has, WorkspaceMiB: c.volumeMiB(),
		Parent: "/" + parent, MemoryMiB: c.memoryMiB, Slots: c.slots, CPU: p.cpu, Stall: p.stall, Queue: p.queue,
	}
}

// next is the name of the next container.
func (p *proof) next() string {
	p.containers++
	return fmt.Sprintf("%s-%d", p.name, p.containers)
}

// cleanUp removes what is left of the containers.
func (p *proof) cleanUp() error {
	err := memory.RemoveContainers(context.Background(), p.name)
	return errors.Join(err, memory.RemoveParent("/"+p.name))
}

// configuration makes the attacks on containers of one size: all on the same, as
// long as it lives and has not broken its promise.
func (p *proof) configuration(ctx context.Context, conf configuration, r *report) error {
	options := p.options(conf, p.name)
	claim, err := memory.Doctor(ctx, options, p.next())
	if err != nil {
		return err
	}
	r.Claims = append(r.Claims, namedClaim{conf.name, claim})
	var c *memory.Container
	defer func() {
		if c != nil {
			c.Kill()
		}
	}()
	again := -1 // which attack is made a second time
	attacks := slices.DeleteFunc(slices.Clone(p.attacks), func(a memory.Attack) bool { return !a.Needs.In(conf.has) })
	for i := 0; i < len(attacks); {
		a := attacks[i]
		if c == nil {
			if c, err = memory.Start(ctx, options, p.next()); err != nil {
				return err
			}
			r.Cgroup = c.Cgroup()
			progress("%s: pid %d, %s", conf, c.Server.PID, c.URL)
		}
		progress("%s: %d of %d: %s", conf.name, i+1, len(attacks), a.Name)
		m, err := c.Measure(ctx, a, claim, p.soakOf(a))
		if err != nil {
			return fmt.Errorf("%s: %w; the container printed:\n%s", a.Name, err, c.Log())
		}
		m.Configuration = conf.name
		// Once, and not the soak, which is long enough to tell the host's part.
		if i != again && a.Name != memory.SoakName && m.OnlyLate() {
			m.Repeated, again = true, i
		}
		// The control needs no second look in a larger container.
		if a.Outside > 0 && p.outside && !m.Repeated && !p.controlled[a.Name] {
			p.controlled[a.Name] = true
			if err := p.control(ctx, conf, a, claim, m); err != nil {
				return err
			}
		}
		r.Measurements = append(r.Measurements, m)
		progress("%s", m.Line())
		switch {
		case len(m.Breaches) > 0:
			progress("the container printed:\n%s", c.Log())
			c.Kill()
			c = nil
		case a.EndsServer:
			c = nil
		default: // the next one is to find a container at rest
			rested, err := c.Rested()
			if err == nil && !rested {
				err = c.Stop()
				c = nil
			}
			if err != nil {
				return err
			}
		}
		if !m.Repeated {
			i++
		}
	}
	if c == nil {
		return nil
	}
	err = c.Stop()
	c = nil
	return err
}

func (p *proof) soakOf(a memory.Attack) time.Duration {
	if a.Name == memory.SoakName {
		return p.soak
	}
	return 0
}

// control runs the program outside of the jail and notes in m what it charged
// beyond what an interpreter and its container do.
func (p *proof) control(ctx context.Context, conf configuration, a memory.Attack, claim memory.Claim, m *memory.Measurement) (err error) {
	if p.idle == 0 {
		// Twice: the first one reads the interpreter's files into the page cache,
		// which charges it and nobody later.
		for range 2 {
			if p.idle, _, err = p.outsideOf(ctx, conf, memory.Attack{Name: "nothing", Program: "pass"}, claim); err != nil {
				return err
			}
		}
	}
	peak, killed, err := p.outsideOf(ctx, conf, a, claim)
	if err != nil {
		return err
	}
	m.Outside, m.OutsideKilled = max(0, peak-p.idle), killed
	m.JudgeOutside(a)
	return nil
}

func (p *proof) outsideOf(ctx context.Context, conf configuration, a memory.Attack, claim memory.Claim) (peak int64, killed bool, err error) {
	name := p.next()
	options := p.options(conf, name)
	defer func() { err = errors.Join(err, memory.RemoveParent(options.Parent)) }()
	peak, killed, err = memory.Outside(ctx, a, options, claim.Interpreter.Path, name)
	if err != nil {
		err = fmt.Errorf("%s outside of the jail: %w", a.Name, err)
	}
	return peak, killed, err
}

// machine is what the figures depend on.
func machine() string {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return err.Error()
	}
	host, err := os.Hostname()
	if err != nil {
		host = err.Error()
	}
	return fmt.Sprintf("%s, Linux %s", filepath.Base(host), string(release[:len(release)-1]))
}
