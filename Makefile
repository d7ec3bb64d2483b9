# Targets for people and for CI; `make help` lists them.
SHELL      := /bin/bash
GO         ?= go
BIN        := bin/assay
SHARED     ?= ../shared
IMAGES     ?= $(CURDIR)/.images
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.1
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0
# The race detector needs a C compiler.
RACE       := $(shell command -v cc >/dev/null && echo -race)
# The images that CI has time to build; `make images-all` builds every one.
SMALL      := debian-old,distroless,rpm-sqlite,rpm-ndb,rpm-bdb,alpine,adversarial,httpd,python,node,java,go,polyglot
FUZZTIME   ?= 10s

export ASSAY_TEST_IMAGES = $(IMAGES)

.PHONY: help build demo test unit lint fuzz bench images images-all test-images test-tools clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

build: ## build bin/assay, one static binary
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o $(BIN) ./cmd/assay

demo: build ## scan an image and show the report
	@ASSAY=$(CURDIR)/$(BIN) examples/demo.sh

test: test-tools images lint unit ## everything that CI runs, with what it needs

# Whole feeds, whole and hostile images, and hostile reports in every format, under the race detector take minutes and tell nothing new.
WHOLE := TestRoundTrip|TestOSVRecordByRecord|TestImages|TestFindings|TestAdversarial|TestEverySource|TestHostile$$|TestSoftware|TestSBOMOfImages|TestGovulncheck|TestFixCarriedOut|TestExplainAgreesWithScan|TestAtOnceMemory|TestFilesMillion|TestCases|TestFormat$$|TestOffline$$|TestOneFindingOfAVulnerability|TestClients

unit: ## the Go tests alone
	$(GO) test $(RACE) -timeout 20m -skip '$(WHOLE)' ./...
	$(GO) test -timeout 20m -run '$(WHOLE)' ./scan ./internal/inventory ./internal/feed ./internal/report/... ./internal/test/example/format ./cmd/assay

lint: ## vet, formatting, staticcheck, govulncheck
	@test -z "$$(gofmt -l .)" || { echo "not formatted:"; gofmt -l .; exit 1; }
	$(GO) vet ./...
	GOOS=darwin GOARCH=arm64 $(GO) vet ./...
	GOOS=windows GOARCH=amd64 $(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	@scripts/govulncheck.sh $(GOVULNCHECK) $(SHARED)

test-tools: ## install what tests start: registries, engines, package tools (Debian, as root)
	@scripts/test-tools.sh

images: ## build the small test images (Debian, as root)
	@scripts/images.sh $(SHARED) $(IMAGES) $(SMALL)

images-all: ## build all test images: some minutes, 12 GB
	@scripts/images.sh $(SHARED) $(IMAGES)

test-images: images-all ## check the packages and findings of all test images
	$(GO) test -count=1 -v -run 'TestImages|TestLayers|TestFindings|TestAlpine|TestAdversarial' ./scan

fuzz: ## run every fuzz target for FUZZTIME
	@set -e; for pkg in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 50x $$pkg; done; done

bench: ## time whole scans beside reading and decompressing alone, and the database beside others
	$(GO) run ./bench -images $(IMAGES) -mirror "$${ASSAY_MIRROR:-$(SHARED)/feeds}"
	$(GO) run ./bench/database -mirror "$${ASSAY_MIRROR:-$(SHARED)/feeds}"

clean: ## remove what was built, but for the test images
	rm -rf bin
