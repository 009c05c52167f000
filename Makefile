# The tools that `make check` runs, pinned here and nowhere else. They are
# built from source by `go run module@version`: nothing is installed.
GOFUMPT       := mvdan.cc/gofumpt@v0.12.0
STATICCHECK   := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

GO   ?= go
PORT ?= 8080

# Tests that need more than the server does are modules of their own, so that its
# go.mod has nothing of theirs.
TEST_MODULES := test/deploy test/telemetry test/telemetry/otelcol

# MBPP names a file of real programs for `make e2e`. go test runs each package
# in its own folder, so a relative path is made absolute here.
MBPP ?=
export MBPP := $(if $(MBPP),$(abspath $(MBPP)))

# The race detector needs cgo, which needs a C compiler and the C library's
# headers. Without them the tests run all the same, and say so.
have_race = [ "$$($(GO) env CGO_ENABLED)" = 1 ] && \
	echo '\#include <stdlib.h>' | $$($(GO) env CC) -E -x c - >/dev/null 2>&1

.DEFAULT_GOAL := help
.PHONY: help run run-framework build test check fmt-check vet-check lint-check module-check python-check \
	e2e e2e-short bench bench-check image prove prove-v2 prove-mutations deploy-cloudrun deploy-knative deploy-check clean

help: ## what can be made (the default)
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

run: build ## build, then serve on 127.0.0.1:8080 (PORT=...)
	LOCAL_ONLY=true PORT=$(PORT) bin/codecell serve

run-framework: ## the same function under functions-framework's own server
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/framework ./cmd/framework
	LOCAL_ONLY=true PORT=$(PORT) bin/framework

build: ## the static binary bin/codecell
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o bin/codecell ./cmd/codecell

test: ## every unit and contract test, Go and Python, shuffled, with the race detector where it works
	@if $(have_race); then set -- -race; \
	else set --; export CGO_ENABLED=0; \
	echo 'no C compiler with headers for cgo: testing without the race detector'; fi; \
	set -x; $(GO) test "$$@" -shuffle=on ./...

check: fmt-check vet-check lint-check module-check python-check ## formatting, vet on every platform, linters, go.mod; writes nothing

# What go says on stderr, of modules that it downloads, is no change.
fmt-check:
	@out=$$($(GO) run $(GOFUMPT) -l .) && [ -z "$$out" ] || { echo "not formatted by gofumpt:"; echo "$$out"; exit 1; }
	@out=$$($(GO) fix -tags e2e -diff ./...) && [ -z "$$out" ] || { echo "go fix would change:"; echo "$$out"; exit 1; }
	@for module in $(TEST_MODULES); do out=$$($(GO) -C $$module fix -diff ./...) && [ -z "$$out" ] || { echo "go fix would change:"; echo "$$out"; exit 1; }; done

# The files that are not Linux's are seen by vet on another system only, and
# arm64 has a call list of its own.
vet-check:
	$(GO) vet -tags e2e ./...
	GOOS=darwin $(GO) vet -tags e2e ./...
	GOOS=linux GOARCH=arm64 $(GO) build ./...
	GOOS=linux GOARCH=arm64 $(GO) vet -tags e2e ./...
	set -e; for module in $(TEST_MODULES); do $(GO) -C $$module vet ./...; done

lint-check:
	$(GO) run $(STATICCHECK) -tags e2e ./...
	$(GO) run $(GOLANGCI_LINT) config verify
	$(GO) run $(GOLANGCI_LINT) run
	set -e; for module in $(TEST_MODULES); do $(GO) -C $$module run $(GOLANGCI_LINT) run; done

module-check:
	$(GO) mod tidy -diff
	$(GO) mod verify
	set -e; for module in $(TEST_MODULES); do $(GO) -C $$module mod tidy -diff; done

# Compiled in memory, warnings as errors: no __pycache__ is left behind. Under
# testdata and sandbox/attack are templates, Python only when filled in.
python-check:
	@find . -name testdata -prune -o -path ./sandbox/attack -prune -o -name '*.py' -print0 | xargs -0r python3 -W error::SyntaxWarning -W error::DeprecationWarning -c \
		'import sys; [compile(open(f, encoding="utf-8").read(), f, "exec") for f in sys.argv[1:]]'

e2e: build ## end to end, in a real memory cgroup where root allows it (MBPP=programs.jsonl adds real programs)
	CODECELL_BIN=$(CURDIR)/bin/codecell $(GO) test -v -tags e2e -count=1 -timeout 60m ./test/e2e/...
	CODECELL_BIN=$(CURDIR)/bin/codecell $(GO) -C test/deploy test -v -count=1 -timeout 15m ./...
	CODECELL_BIN=$(CURDIR)/bin/codecell $(GO) -C test/telemetry test -v -count=1 -timeout 15m ./...

e2e-short: build ## the same, less the long ones
	CODECELL_BIN=$(CURDIR)/bin/codecell $(GO) test -v -tags e2e -count=1 -timeout 40m -short ./test/e2e/...
	CODECELL_BIN=$(CURDIR)/bin/codecell $(GO) -C test/deploy test -v -count=1 -timeout 15m ./manifest/
	CODECELL_BIN=$(CURDIR)/bin/codecell $(GO) -C test/telemetry test -v -count=1 -timeout 15m ./monitoring/

bench: build ## what a run costs beside what it can't cost less than, on this machine, in five to fifteen minutes (BENCH="-short": a few)
	$(GO) run ./test/bench $(BENCH)

bench-check: build ## a short bench, whose ratios must not be much worse than those of docs/printed/bench.json
	$(GO) run ./test/bench -short -json bin/bench-check.json -check docs/printed/bench.json $(BENCH)

image: ## the container image, and its contents in bin/image.cdx.json, without a registry (root, podman; IMAGE=... PROFILE=data-science ARCH=arm64 PYTHON_PACKAGES=... FRESH=true)
	@mkdir -p bin
	$(GO) run ./test/e2e/image/make -image "$(or $(IMAGE),localhost/codecell:latest)" $(if $(ARCH),-arch $(ARCH)) \
		-profile "$(PROFILE)" -packages "$(PYTHON_PACKAGES)" -source "$(SOURCE)" -fresh=$(or $(FRESH),false)

prove: build ## every attack on the memory of the real container, with what the kernel counted (root, podman; PROVE="-soak 1m")
	$(GO) run ./test/prove -json bin/prove.json $(PROVE)

prove-v2: build ## some of them in a guest with cgroup v2, where one kill takes the container (root, qemu; PROVE="-v2 bookworm")
	$(GO) run ./test/prove -v2 trixie $(PROVE)

prove-mutations: ## take one rule after the other away: its attack must notice (root, podman)
	$(GO) run ./test/prove -mutations $(PROVE)

# What is deployed, and where. All of them go into YAML, so each may have only the
# characters that such names have. NAME and PROFILE are not taken from the environment,
# where some systems have the machine's name and a shell's settings in them.
IMAGE     ?=
NAME      := codecell
PROFILE   :=
PROJECT   ?=
REGION    ?=
NAMESPACE ?= default
DRY_RUN   ?=
deploy-cloudrun deploy-knative: export IMAGE := $(IMAGE)
deploy-cloudrun deploy-knative: export NAME := $(NAME)
deploy-cloudrun deploy-knative: export PROJECT := $(PROJECT)
deploy-cloudrun deploy-knative: export REGION := $(REGION)
deploy-cloudrun deploy-knative: export NAMESPACE := $(NAMESPACE)

# given NAME... ends the recipe unless each variable has a value of such characters.
given = for v in $(1); do eval "value=\$$$$v"; case $$value in \
	''|*[!A-Za-z0-9./:@_-]*) echo "$@: $$v=... is needed (see deploy/)" >&2; exit 1;; esac; done
# manifest FOLDER is that of PROFILE; empty where there is none, and then known ends the recipe.
manifest = $(filter deploy/$(1)/$(or $(PROFILE),service).yaml,$(filter-out %/networkpolicy.yaml,$(wildcard deploy/$(1)/*.yaml)))
known = $(if $(call manifest,$(1)),,echo "$@: deploy/$(1) has no manifest for this PROFILE; without one it is that of minimal" >&2; exit 1)
# filled FILE... prints manifests with the values in them.
filled = sed -e "s|image: IMAGE\$$|image: $$IMAGE|" -e "s|@PROJECT\.|@$$PROJECT.|" \
	-e "s|^  name: codecell\$$|  name: $$NAME|" -e "s|\(serving.knative.dev/service\): codecell\$$|\1: $$NAME|"

deploy-cloudrun: ## deploy to Cloud Run (IMAGE=... PROJECT=... REGION=..., NAME=codecell PROFILE=data-science; DRY_RUN=1 prints it)
	@$(call given,IMAGE NAME PROJECT REGION)
	@$(call known,cloudrun)
ifeq ($(DRY_RUN),1)
	@$(filled) $(call manifest,cloudrun)
else
	@mkdir -p bin && $(filled) $(call manifest,cloudrun) > bin/cloudrun.yaml
	gcloud run services replace bin/cloudrun.yaml --project "$$PROJECT" --region "$$REGION"
endif

deploy-knative: ## deploy to Knative (IMAGE=..., NAME=codecell NAMESPACE=default PROFILE=data-science; DRY_RUN=1 prints it)
	@$(call given,IMAGE NAME NAMESPACE)
	@$(call known,knative)
ifeq ($(DRY_RUN),1)
	@$(filled) $(call manifest,knative); echo ---; $(filled) deploy/knative/networkpolicy.yaml
else
	@mkdir -p bin && { $(filled) $(call manifest,knative); echo ---; $(filled) deploy/knative/networkpolicy.yaml; } > bin/knative.yaml
	kubectl apply --namespace "$$NAMESPACE" -f bin/knative.yaml
endif

deploy-check: build ## the manifests, held to their platforms' types and to the server's rules
	CODECELL_BIN=$(CURDIR)/bin/codecell $(GO) -C test/deploy test -count=1 ./manifest/

clean: ## remove what the other targets built
	rm -rf bin
