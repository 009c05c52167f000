package function

import (
	"fmt"
	"net/http"
	"slices"

	"codecell/sandbox"

	"github.com/go-json-experiment/json"
)

// live is 200 for as long as there is a process to answer: a full container is
// not a broken one.
func (s *Service) live(*exchange) (reply, error) {
	return reply{status: http.StatusOK, mediaType: "application/json", body: []byte(`{"status":"ok"}`)}, nil
}

// readiness is 200 when a program could be run as soon as there is a slot.
func (s *Service) readiness(x *exchange) (reply, error) {
	if err := s.ready(); err != nil {
		return reply{}, err
	}
	return s.live(x)
}

// profileBody is the answer of GET /profile.
type profileBody struct {
	Name             string          `json:"name"`
	Description      string          `json:"description"`
	AllowedImports   []string        `json:"allowed_imports"`
	AllowedEnv       []string        `json:"allowed_env"`
	BlocklistEntries int             `json:"blocklist_entries"`
	Packages         bool            `json:"packages"`      // those beside the interpreter may be imported
	Threads          int             `json:"threads"`       // that a program may have beside its first
	WorkspaceMiB     sandbox.MiB     `json:"workspace_mib"` // 0: no files
	Figures          bool            `json:"figures"`       // open ones are returned
	ScanStages       scanStages      `json:"scan_stages"`
	Limits           limitsBody      `json:"limits"`
	Admission        admissionBody   `json:"admission"`
	Isolation        []sandbox.Layer `json:"isolation"`
	Runtime          sandbox.Runtime `json:"runtime"`
}

// scanStages are the policy's stages that look at a program before it runs, and
// at what it did after. There is none of the latter: the kernel is the boundary.
type scanStages struct {
	Pre   []string                `json:"pre"`
	Post  []string                `json:"post"`
	Modes map[string]sandbox.Mode `json:"modes"`
}

type limitsBody struct {
	TimeoutSeconds    float64     `json:"timeout_seconds"` // the default
	MaxTimeoutSeconds float64     `json:"max_timeout_seconds"`
	MinMemoryMB       sandbox.MiB `json:"min_memory_mb"`
	MaxMemoryMB       sandbox.MiB `json:"max_memory_mb"` // and the default
	MaxBodyBytes      int         `json:"max_body_bytes"`
	MaxOutputBytes    int         `json:"max_output_bytes"` // of each stream
	MaxFiles          int         `json:"max_files"`        // in a request; 0: none
	MaxOutputFiles    int         `json:"max_output_files"`
	MaxFilesBytes     int         `json:"max_output_files_bytes"` // of all of them
}

type admissionBody struct {
	MaxConcurrent  int         `json:"max_concurrent"`
	InFlight       int         `json:"in_flight"`
	Waiting        int         `json:"waiting"`
	MaxWaitSeconds float64     `json:"max_wait_seconds"`
	BudgetMiB      sandbox.MiB `json:"budget_mib"`
	UsedMiB        sandbox.MiB `json:"used_mib"`
	RunMiB         sandbox.MiB `json:"run_mib"` // what a run at the ceiling weighs
	LimitMiB       sandbox.MiB `json:"limit_mib"`
	ReserveMiB     sandbox.MiB `json:"reserve_mib"`
}

// metrics answers for as long as the process serves: one that drains has something
// to tell. One at a time: what it takes is set aside once.
func (s *Service) metrics(x *exchange) (reply, error) {
	text, mediaType, err := s.telemetry.Scrape(x.r.Header)
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, mediaType: mediaType, body: text}, nil
}

// ifFiles is a bound of files, 0 where programs have none.
func ifFiles(p *sandbox.Profile, bound int) int {
	if p.Workspace == 0 {
		return 0
	}
	return bound
}

func (s *Service) profile(*exchange) (reply, error) {
	p, budget, now := s.box.Profile(), s.box.Budget(), s.gate.Occupancy()
	body, err := json.Marshal(profileBody{
		Name:             p.Name,
		Description:      p.Description,
		AllowedImports:   slices.Sorted(slices.Values(p.Imports)),
		AllowedEnv:       append([]string{}, slices.Sorted(slices.Values(p.Env))...),
		BlocklistEntries: len(p.Policy.BlocklistAudit.Entries),
		Packages:         p.Packages,
		Threads:          p.Threads,
		WorkspaceMiB:     p.Workspace,
		Figures:          p.Figures,
		ScanStages: scanStages{
			Pre:  []string{"ast_scan", "blocklist_audit"},
			Post: []string{},
			Modes: map[string]sandbox.Mode{
				"ast_scan":        p.Policy.ASTScan.Mode,
				"blocklist_audit": p.Policy.BlocklistAudit.Mode,
			},
		},
		Limits: limitsBody{
			TimeoutSeconds:    p.Limits.DefaultTimeout.Seconds(),
			MaxTimeoutSeconds: p.Limits.MaxTimeout.Seconds(),
			MinMemoryMB:       p.Limits.LeastMemory,
			MaxMemoryMB:       p.Limits.Memory,
			MaxBodyBytes:      MaxBody,
			MaxOutputBytes:    sandbox.CaptureLimit,
			MaxFiles:          ifFiles(p, sandbox.MaxInputs),
			MaxOutputFiles:    ifFiles(p, sandbox.MaxOutputs),
			MaxFilesBytes:     ifFiles(p, sandbox.MaxOutputBytes),
		},
		Admission: admissionBody{
			MaxConcurrent:  budget.Slots,
			InFlight:       now.InFlight,
			Waiting:        now.Waiting,
			MaxWaitSeconds: s.cfg.MaxWait.Seconds(),
			BudgetMiB:      budget.ForRuns(),
			UsedMiB:        now.Used,
			RunMiB:         budget.Weight,
			LimitMiB:       budget.Limit,
			ReserveMiB:     budget.Reserve,
		},
		Isolation: s.box.Layers(),
		Runtime:   s.box.Runtime(),
	}, json.Deterministic(true))
	if err != nil {
		return reply{}, fmt.Errorf("function: encoding the profile: %w", err)
	}
	return reply{status: http.StatusOK, mediaType: "application/json", body: body}, nil
}
