package main

import (
	"fmt"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/strvals"
)

// renderBoth renders the two charts that "local" is given as Helm itself does it,
// one after the other, and nothing else. The arguments are those of "local": OLD NEW
// and then pairs of --old-set or --new-set and its values.
func renderBoth(args []string) error {
	for i, flag := range []string{"--old-set", "--new-set"} {
		values := map[string]any{}
		for j := 2; j+1 < len(args); j += 2 {
			if args[j] != flag {
				continue
			}
			if err := strvals.ParseInto(args[j+1], values); err != nil {
				return err
			}
		}
		chart, err := loader.Load(args[i])
		if err != nil {
			return err
		}
		install := action.NewInstall(&action.Configuration{Capabilities: chartutil.DefaultCapabilities.Copy()})
		install.DryRun, install.ClientOnly, install.Replace = true, true, true
		install.ReleaseName, install.Namespace = "release", "default"
		release, err := install.Run(chart, values)
		if err != nil {
			return err
		}
		if release.Manifest == "" {
			return fmt.Errorf("chart %q renders nothing", args[i])
		}
	}
	return nil
}
