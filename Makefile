# What a person or CI runs here. All but interop needs only Go; tools come pinned from tools/go.mod.

GO ?= go
# The race detector needs a C compiler; without one Go turns cgo off, and tests run without it.
RACE := $(if $(filter 1,$(shell $(GO) env CGO_ENABLED)),-race)
STATICCHECK = $(GO) tool -modfile=tools/go.mod staticcheck

.PHONY: help quickstart test check cross narrow stuck bench fuzz soak interop

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 18

quickstart: ## create a sandbox, run code in it, delete it: no account, no network
	$(GO) run ./cmd/sandflare-local run -- $(GO) run ./examples/quickstart

test: ## all tests, with the race detector where there is a C compiler
	$(GO) test $(RACE) ./...

check: ## format, vet, lint, tidy modules, import directions, public API, fault matrix, other systems
	@test -z "$$(gofmt -l .)" || { echo "not formatted:"; gofmt -l .; exit 1; }
	$(GO) vet ./...
	$(STATICCHECK) ./...
	$(GO) mod tidy -diff
	cd tools && $(GO) mod tidy -diff
	cd internal/bench && $(GO) mod tidy -diff && $(GO) vet .
	$(GO) test -run 'TestImportDirections|TestPublicAPI|TestEveryFaultHasATest|TestReliabilityTable' -count=1 .
	$(MAKE) --no-print-directory cross

cross: ## vet for macOS, Windows and 32 bits
	GOOS=darwin $(GO) vet ./...
	GOOS=windows $(GO) vet ./...
	CGO_ENABLED=0 GOARCH=386 $(GO) vet ./...

narrow: ## tests of what the SDK is made of, on 32 bits and on one processor
	CGO_ENABLED=0 GOARCH=386 $(GO) test ./internal/transport ./internal/sse ./internal/wire ./internal/ignore
	GOMAXPROCS=1 $(GO) test ./internal/transport ./internal/sse ./internal/wire

stuck: ## tests with the collector looking for goroutines that nothing can wake up
	GOEXPERIMENT=goroutineleakprofile $(GO) test ./internal/leaks ./internal/transport ./internal/sse ./sandflaretest

bench: ## ratios against bare processes, readers, net/http and other clients, measured side by side; BENCH=short for less
	cd internal/bench && $(GO) run .

# A count as 2000x is safer than a time: at the end of a time Go's fuzzer itself may fail (golang/go#75804).
FUZZTIME ?= 5s

fuzz: ## every fuzz target for FUZZTIME
	@for dir in $$(grep -rl --include=*_test.go '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
		for target in $$(grep -h -o '^func Fuzz[A-Za-z]*' $$dir/*_test.go | cut -d' ' -f2); do \
			echo "$$dir $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5x $$dir || exit 1; \
		done; \
	done

soak: ## load and thirty seconds of cut connections, with figures
	SANDFLARE_SOAK=full $(GO) test $(RACE) -count=1 -v -timeout 20m ./internal/soak

interop: ## the public Python clients as judges; needs python3, node, npm and git
	$(GO) build -o bin/interop ./interop
	bin/interop

LOCALLY = $(GO) run ./cmd/sandflare-local run -- $(GO)
# Examples with more dependencies than the SDK are modules of their own.
MODULES = mcp tracing
LOCAL_PACKAGE = github.com/sandflare/sandflare-go/cmd/sandflare-local

.PHONY: examples example-stream example-ci example-agent example-mcp example-analysis example-fanout example-tracing

examples: ## build, vet and test every example, and run those that need nothing; pip may fetch matplotlib
	$(GO) vet ./examples/...
	$(GO) test $(RACE) ./examples/...
	$(GO) test $(RACE) ./examples/analysis -fetch
	for m in $(MODULES); do (cd examples/$$m && $(GO) mod tidy -diff && $(GO) build -o /dev/null . && $(GO) vet ./... && $(GO) test $(RACE) ./...) || exit 1; done
	$(MAKE) --no-print-directory example-stream example-fanout example-tracing >/dev/null

example-stream: ## progress of a long command, on a terminal
	$(LOCALLY) run ./examples/stream

example-ci: ## build and test a repository in a sandbox, from go test
	$(LOCALLY) test -count=1 -v -run TestRepository ./examples/ci -service

example-agent: ## a language model works in a sandbox; needs OPENAI_MODEL and OPENAI_API_KEY or OPENAI_BASE_URL
	$(LOCALLY) run ./examples/agent $(if $(TASK),"$(TASK)")

example-mcp: ## Model Context Protocol server over stdio
	cd examples/mcp && $(GO) run $(LOCAL_PACKAGE) run -- $(GO) run .

example-analysis: ## data, state and a plot, saved to plot.png
	$(LOCALLY) run ./examples/analysis -o plot.png -install

example-fanout: ## fork a prepared sandbox, try variants, keep the best
	$(LOCALLY) run ./examples/fanout

example-tracing: ## OpenTelemetry spans of every request, secrets kept out
	cd examples/tracing && $(GO) run $(LOCAL_PACKAGE) run -- $(GO) run .
