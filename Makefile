# What a person or CI runs here. All but interop needs only Go; tools come pinned from tools/go.mod.

GO ?= go
# The race detector needs a C compiler; without one Go turns cgo off, and tests run without it.
RACE := $(if $(filter 1,$(shell $(GO) env CGO_ENABLED)),-race)
STATICCHECK = $(GO) tool -modfile=tools/go.mod staticcheck

.PHONY: help quickstart test check cross bench fuzz interop

help: ## list the targets
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

quickstart: ## create a sandbox, run code in it, delete it: no account, no network
	$(GO) run ./cmd/sandflare-local run -- $(GO) run ./examples/quickstart

test: ## all tests, with the race detector where there is a C compiler
	$(GO) test $(RACE) ./...

check: ## format, vet, lint, tidy modules, import directions, public API, other systems
	@test -z "$$(gofmt -l .)" || { echo "not formatted:"; gofmt -l .; exit 1; }
	$(GO) vet ./...
	$(STATICCHECK) ./...
	$(GO) mod tidy -diff
	cd tools && $(GO) mod tidy -diff
	$(GO) test -run 'TestImportDirections|TestPublicAPI' -count=1 .
	$(MAKE) --no-print-directory cross

cross: ## vet for macOS and Windows
	GOOS=darwin $(GO) vet ./...
	GOOS=windows $(GO) vet ./...

bench: ## ratios against bare processes, readers and net/http, measured side by side
	$(GO) run ./internal/bench

interop: ## the public Python clients as judges; needs python3, node, npm and git
	$(GO) build -o bin/interop ./interop
	bin/interop
