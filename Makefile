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
HELM4    := $(TOOLS)/helm-v4.3.1
HELMFILE := $(TOOLS)/helmfile-v1.8.0
SHOP     := testdata/charts/shop
LAB      := $(HELM3) $(HELM4) $(addprefix $(TOOLS)/,etcd-v3.7.0 kube-apiserver-v1.37.1 kube-controller-manager-v1.37.1 kube-scheduler-v1.37.1 kwok-v0.8.0)

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "  make %-14s %s\n", $$1, $$2 }'

.PHONY: build
build: ## build bin/helm-safe-diff
	@go build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/helm-safe-diff

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
	go test ./...

.PHONY: test-helm
test-helm: $(HELM3) $(HELM4) ## install the plugin into real Helm 3 and Helm 4 and run it
	HELM3=$(HELM3) HELM4=$(HELM4) hack/test-helm.sh

.PHONY: test-cluster
test-cluster: build $(LAB) $(HELMFILE) ## every case and chart on a real control plane, with real Helm 3, Helm 4 and helmfile
	go -C test/controlplane test -v -count=1 -parallel 16 -timeout 90m ./... -args -bin $(TOOLS) -program $(CURDIR)/$(BIN)

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

.PHONY: tidy
tidy: ## go.mod and go.sum hold what the code needs, and no more
	go mod tidy -diff
	go -C test/controlplane mod tidy -diff

.PHONY: generate
generate: ## write the generated documents anew
	go test ./pkg/cli -run TestDocs -update
	go test ./pkg/report -update
	go test ./pkg/safediff -run TestRulesDocument -update

.PHONY: check
check: tidy lint test test-helm demo ## what CI runs

.PHONY: bench
bench: build ## speed side by side with helm-diff's engine; prints ratios, fails never
	go run ./test/bench

.PHONY: measure
measure: ## judge the real upgrades in the folder PAIRS; prints the tables of docs/measured.md
	@go run ./test/measure $(or $(PAIRS),$(error say where the upgrades are: make measure PAIRS=DIR))

.PHONY: dist
dist: ## release archives for all platforms, with their checksums
	hack/dist.sh $(VERSION) '$(LDFLAGS)'

.PHONY: clean
clean: ## remove what make has built here
	rm -rf bin dist

$(LINT):
	@hack/tool.sh github.com/golangci/golangci-lint/v2/cmd/golangci-lint v2.15.0 $@
$(HELM3):
	@hack/tool.sh helm.sh/helm/v3/cmd/helm v3.22.0 $@
$(HELM4):
	@hack/tool.sh helm.sh/helm/v4/cmd/helm v4.3.1 $@
$(HELMFILE):
	@hack/helmfile.sh v1.8.0 $@
$(TOOLS)/kwok-v0.8.0:
	@hack/tool.sh sigs.k8s.io/kwok/cmd/kwok v0.8.0 $@
$(TOOLS)/etcd-v3.7.0:
	@hack/component.sh go.etcd.io/etcd/server/v3 $@
$(TOOLS)/kube-%-v1.37.1:
	@hack/component.sh k8s.io/kubernetes/cmd/kube-$* $@
