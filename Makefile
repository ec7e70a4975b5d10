# The developers' commands. `make` alone lists them.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# The tools, pinned to exact versions and installed into ./bin under names that include the version.
GOLANGCI_LINT_VERSION := v2.15.0
WORKFLOWCHECK_VERSION := v0.6.0
GOLANGCI_LINT := bin/golangci-lint-$(GOLANGCI_LINT_VERSION)
WORKFLOWCHECK := bin/workflowcheck-$(WORKFLOWCHECK_VERSION)

# The packages of all modules (the go command calls them "work") except the packages that link the Temporal server: it takes
# minutes to compile the first time.
FAST = $$(go list work | grep -v -e /cmd/posthaste -e /internal/engine -e /internal/bench/lab)

# How long `make fuzz` spends on each target, and the version that `make build` writes into a release.
FUZZTIME ?= 60s
RELEASE ?=

.PHONY: help run build test test-fast race clients interop bench-smoke lint fuzz record ci tools clean

help: ## List these targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' Makefile | expand -t 12

run: ## Run everything on this machine, with a sample delivery: API :8080, Temporal's Web UI :8233
	go run ./cmd/posthaste dev --demo

build: ## Build ./posthaste; RELEASE=1.2.3 names the version
	go build -ldflags "-X main.release=$(RELEASE)" -o posthaste ./cmd/posthaste

test: ## Run all tests, including tests with PostgreSQL and the embedded Temporal
	scripts/need-postgres
	scripts/test work

test-fast: ## Run the tests of all packages except those that link the Temporal server
	scripts/need-postgres
	scripts/test $(FAST)

race: ## Run the tests of test-fast under the race detector
	scripts/need-postgres
	go test -vet=off -race $(FAST)

clients: ## Run the tests of the clients in other languages that need no server
	cd clients/python && PYTHONPATH=src PYTHONDONTWRITEBYTECODE=1 python3 -W error -m unittest discover -s tests
	cd clients/typescript && npm ci --silent && npm test --silent

interop: clients ## Verify our requests with other libraries, and with the receivers in docs/receivers; try the clients on a server
	cd internal/interop && npm ci --silent && go mod tidy -diff && go vet ./... && ../../scripts/test ./...

bench-smoke: ## Run every scenario of posthaste bench and of the lab, small; fails if an event is lost or comes twice, not if it is slow
	go run ./cmd/posthaste bench --events 10 --fanout 3,20 --waiting 20 --due 6s --rest 1s --rate 10 --calm 1s --timeout 5s --settle 200ms
	go run ./cmd/posthaste bench retention --events 500 --rate 20 --calm 1s --settle 200ms
	go run ./internal/bench/lab floor --events 10 --fanout 1,3,20 --settle 200ms
	go run ./internal/bench/lab naive --events 10 --fanout 1,3,20 --settle 200ms

lint: tools ## Check format, linters, go.mod and the determinism of workflow code
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "gofmt would change: $$unformatted"; exit 1; }
	scripts/tidy -diff
	$(GOLANGCI_LINT) run ./... ./client/... ./webhook/...
	$(WORKFLOWCHECK) -config workflowcheck.yaml ./workflows/...

fuzz: ## Run each fuzz target for FUZZTIME (60s)
	scripts/fuzz $(FUZZTIME)

record: ## Record the histories that are missing in workflows/testdata/replay; use released code only
	go test ./cmd/posthaste -count=1 -run TestScenarios -record

ci: ## Run all checks that a change must pass
	.ci/run

tools: $(GOLANGCI_LINT) $(WORKFLOWCHECK) ## Install the linters into ./bin

$(GOLANGCI_LINT):
	GOBIN=$(CURDIR)/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	mv bin/golangci-lint $@

$(WORKFLOWCHECK):
	GOBIN=$(CURDIR)/bin go install go.temporal.io/sdk/contrib/tools/workflowcheck@$(WORKFLOWCHECK_VERSION)
	mv bin/workflowcheck $@

clean: ## Remove built files; keeps the data in .posthaste
	rm -rf bin posthaste internal/interop/node_modules clients/typescript/{node_modules,dist,build}
	find . \( -name '*.test' -o -name '*.out' \) -delete
