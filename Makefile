# Everything a developer or CI runs. `make help` lists it.
SHELL := /bin/sh
export CGO_ENABLED := 0

VERSION  := $(shell sed -n 's/^version: *"\{0,1\}\([^"]*\)"\{0,1\}/\1/p' plugin.yaml)
LDFLAGS  := -s -w -X github.com/safe-diff/helm-safe-diff/pkg/cli.version=$(VERSION)
BIN      := bin/helm-safe-diff
HELM     ?= helm
# Tools are built once, from the Go module proxy, outside the checkout.
TOOLS    := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/helm-safe-diff/bin
LINT     := $(TOOLS)/golangci-lint-v2.15.0
HELM3    := $(TOOLS)/helm-v3.22.0
HELM4    := $(TOOLS)/helm-v4.3.2
HELMFILE := $(TOOLS)/helmfile-v1.8.0
SHOP     := testdata/charts/shop
# What a run of the laboratory has observed so far, for the next one if it is killed.
NOTES    := $(TOOLS)/../observations
IN_LAB    = go -C test/controlplane test -v -count=1 -parallel 16 -timeout 120m
LAB_ARGS  = -args -bin $(TOOLS) -program $(CURDIR)/$(BIN) $(if $(CASES),-cases '$(CASES)') $(if $(AT_ONCE),-at-once $(AT_ONCE))
# What `make check` makes, in this order.
CHECKS   := tidy lint test test-replay test-helm demo
LAB      := $(HELM3) $(HELM4) $(addprefix $(TOOLS)/,etcd-v3.7.0 kube-apiserver-v1.37.2 kube-controller-manager-v1.37.2 kube-scheduler-v1.37.2 kubectl-v1.37.2 kwok-v0.8.0)

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "  make %-14s %s\n", $$1, $$2 }'

.PHONY: build
build: ## build bin/helm-safe-diff
	@hack/alive.sh go build -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/helm-safe-diff

.PHONY: demo
demo: build ## judge an upgrade between two versions of a shipped chart
	@echo '$$ helm safe-diff local $(SHOP)/1.4.2 $(SHOP)/2.0.0 --release shop --namespace prod'
	@$(BIN) local $(SHOP)/1.4.2 $(SHOP)/2.0.0 --release shop --namespace prod; \
	code=$$?; echo "exit code $$code"; test $$code -eq 3

.PHONY: install
install: ## install the plugin from this clone into $(HELM)
	$(HELM) plugin install .

.PHONY: test
test: ## all tests that need only Go
	go test -timeout 30m ./...
	go -C test/streams test -timeout 30m ./...

.PHONY: fuzz
fuzz: fuzz-streams fuzz-mutations ## both campaigns, one after the other, from where they stopped; FOR=1h each

.PHONY: fuzz-streams
fuzz-streams: ## read streams for hours as Helm 3, Helm 4 and this program do; goes on where it stopped
	go -C test/streams run ./campaign -state $(or $(STATE),fuzz.json) -streams $(or $(STREAMS),10000000) -for $(or $(FOR),24h)

.PHONY: fuzz-mutations
fuzz-mutations: ## judge upgrades that no chart would make; goes on where it stopped, and keeps what fails in bin/fuzz
	@mkdir -p bin/fuzz
	FOUND=$(CURDIR)/bin/fuzz go test ./test/mutation -run TestMutations -v -count=1 -timeout 0 -args -lasts $(or $(FOR),24h) -progress $(CURDIR)/bin/fuzz/seed

.PHONY: test-helm
test-helm: $(HELM3) $(HELM4) ## install the plugin into real Helm 3 and Helm 4 and run it
	HELM3=$(HELM3) HELM4=$(HELM4) hack/test-helm.sh

.PHONY: test-replay
test-replay: ## all predictions against all that was observed in the laboratory, in seconds
	go test -count=1 -v -run TestReplay ./test/observed

.PHONY: test-cluster
test-cluster: build $(LAB) $(HELMFILE) ## every case and chart on a real control plane, with real Helm 3, Helm 4 and helmfile
	$(IN_LAB) ./... $(LAB_ARGS) -select all -journal $(NOTES)/all.jsonl

.PHONY: test-sample
test-sample: build $(LAB) $(HELMFILE) ## the same for cases not observed yet, and a tenth of the others chosen by the commit; drains no nodes
	$(IN_LAB) -skip '^TestDrains$$' ./... $(LAB_ARGS) -select tenth -commit "$$(git rev-parse HEAD)"

.PHONY: observe
observe: build $(LAB) ## measure the cases that are not observed yet, and keep what is observed in test/observed
	$(IN_LAB) -run '^TestCases$$' . $(LAB_ARGS) -select new -record -journal $(NOTES)/new.jsonl
	go test -count=1 -run TestReplay ./test/observed -update

.PHONY: observe-all
observe-all: build $(LAB) ## measure all cases anew and keep what is observed
	$(IN_LAB) -run '^TestCases$$' . $(LAB_ARGS) -select all -record -journal $(NOTES)/all.jsonl
	go test -count=1 -run TestReplay ./test/observed -update

.PHONY: remedies
remedies: build $(LAB) ## follow what rules advise on a real control plane, and keep which hints helped
	$(IN_LAB) -run '^TestRemedies$$' . $(LAB_ARGS) -record
	go test -count=1 -run 'TestRemedies|TestRulesAdvise' ./test/observed

.PHONY: factory
factory: build $(LAB) ## make N=200 upgrades that nobody chose, predict them, and make them for real; SEED, SHARD=0/1, AT_ONCE
	$(IN_LAB) -run '^TestFactory$$' . $(LAB_ARGS) -factory $(or $(N),200) -seed $(or $(SEED),$$(git rev-parse HEAD)) -shard $(or $(SHARD),0/1) \
		-journal $(NOTES)/factory-$(or $(SEED),$$(git rev-parse HEAD))-$(subst /,-,$(or $(SHARD),0-1)).jsonl -found $(CURDIR)/bin/factory -score $(CURDIR)/bin/factory.md

.PHONY: test-browser
test-browser: build ## open HTML reports in chromium: colours, widths, keyboard, paper, without scripts
	go -C test/browser test -count=1 . -args -program $(CURDIR)/$(BIN)

.PHONY: picture
picture: build ## make the picture of the README anew, with chromium
	go -C test/browser test -count=1 -run '^TestPicture$$' . -args -program $(CURDIR)/$(BIN) -picture $(CURDIR)/docs/report.png

.PHONY: demo-cluster
demo-cluster: build $(LAB) ## leave a control plane running, with a release to try the plugin on
	@go -C test/controlplane run ./demo -bin $(TOOLS) -charts $(CURDIR)/testdata/charts -program $(CURDIR)/$(BIN)

.PHONY: stop-demo-cluster
stop-demo-cluster: ## end what demo-cluster has left running
	@go -C test/controlplane run ./demo -stop

.PHONY: lint
lint: $(LINT) ## golangci-lint
	$(LINT) run
	cd test/controlplane && $(LINT) run
	cd test/streams && $(LINT) run
	cd test/browser && $(LINT) run

.PHONY: tidy
tidy: ## go.mod and go.sum hold what the code needs, and no more
	go mod tidy -diff
	go -C test/controlplane mod tidy -diff
	go -C test/streams mod tidy -diff
	go -C test/browser mod tidy -diff

.PHONY: generate
generate: ## write the generated documents anew
	go test ./pkg/cli -run TestDocs -update
	go test ./pkg/report -update
	go test ./pkg/safediff -run TestRulesDocument -update
	go test ./test/observed -run TestReplay -update

.PHONY: check
check: $(CHECKS) ## what CI runs before the laboratory

.PHONY: checks
checks: ## name the parts of `make check`
	@echo $(CHECKS)

.PHONY: laboratory
laboratory: $(LAB) $(HELMFILE) ## build the control plane, Helm 3, Helm 4 and helmfile

.PHONY: bench
bench: build ## speed side by side with helm-diff's engine; prints ratios, fails never
	go run ./test/bench

.PHONY: measure
measure: ## judge the real upgrades in the folder PAIRS; prints the tables of docs/measured.md
	@go run ./test/measure $(or $(PAIRS),$(error say where the upgrades are: make measure PAIRS=DIR))

.PHONY: measure-values
measure-values: ## plant keys that do nothing in the charts of the folder CHARTS, and count which are found
	@go run ./test/values $(or $(CHARTS),$(error say where the charts are: make measure-values CHARTS=DIR))

.PHONY: measure-why
measure-why: ## tell what edits are due to in the charts of the folders CHARTS/old and CHARTS/new, and hold it against renderings
	@go run ./test/why $(or $(CHARTS),$(error say where the charts are: make measure-why CHARTS=DIR))

.PHONY: dist
dist: ## release archives for all platforms, with checksums, and as artifacts for an OCI registry
	hack/dist.sh $(VERSION) '$(LDFLAGS)'

.PHONY: first-contact
first-contact: $(HELM4) ## time the three ways in of the README, the first with an empty cache
	hack/first-contact.sh $(VERSION) $(HELM4)

.PHONY: reproduce
reproduce: ## build the archive for linux/amd64 twice, with caches of their own, and compare them
	hack/reproduce.sh $(VERSION) '$(LDFLAGS)'

.PHONY: image
image: ## container image as an OCI layout, dist/image, without a daemon
	hack/image.sh $(VERSION) '$(LDFLAGS)'

.PHONY: release-check
release-check: build ## prove that the version in plugin.yaml can be released
	hack/release-check.sh $(VERSION) $(BIN)

.PHONY: clean
clean: ## remove what make has built here
	rm -rf bin dist

$(LINT):
	@hack/tool.sh github.com/golangci/golangci-lint/v2/cmd/golangci-lint v2.15.0 $@
$(HELM3):
	@hack/tool.sh helm.sh/helm/v3/cmd/helm v3.22.0 $@
$(HELM4):
	@hack/tool.sh helm.sh/helm/v4/cmd/helm v4.3.2 $@
$(HELMFILE):
	@hack/helmfile.sh v1.8.0 $@
$(TOOLS)/kwok-v0.8.0:
	@hack/tool.sh sigs.k8s.io/kwok/cmd/kwok v0.8.0 $@
$(TOOLS)/etcd-v3.7.0:
	@hack/component.sh go.etcd.io/etcd/server/v3 $@
$(TOOLS)/kubectl-v1.37.2:
	@hack/component.sh k8s.io/kubernetes/cmd/kubectl $@
$(TOOLS)/kube-%-v1.37.2:
	@hack/component.sh k8s.io/kubernetes/cmd/kube-$* $@
