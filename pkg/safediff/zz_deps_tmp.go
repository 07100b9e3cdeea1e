package safediff

import (
	_ "github.com/databus23/helm-diff/v3/diff"
	_ "github.com/databus23/helm-diff/v3/manifest"
	_ "github.com/fatih/color"
	_ "github.com/google/go-cmp/cmp"
	_ "github.com/mattn/go-isatty"
	_ "github.com/rogpeppe/go-internal/testscript"
	_ "github.com/rogpeppe/go-internal/txtar"
	_ "github.com/santhosh-tekuri/jsonschema/v6"
	_ "github.com/spf13/cobra"
	_ "go.yaml.in/yaml/v2"
	_ "golang.org/x/term"
	_ "helm.sh/helm/v3/pkg/action"
	_ "k8s.io/kubernetes/pkg/controller/daemon"
	_ "k8s.io/kubernetes/pkg/controller/deployment/util"
	_ "k8s.io/kubernetes/pkg/controller/history"
	_ "k8s.io/kubernetes/pkg/controller/statefulset"
	_ "k8s.io/kubernetes/pkg/registry/core/service/storage"
	_ "k8s.io/kubernetes/plugin/pkg/admission/defaulttolerationseconds"
	_ "sigs.k8s.io/yaml"
)
