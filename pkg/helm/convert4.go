package helm

import (
	"slices"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/time"
	"helm.sh/helm/v4/pkg/chart/common"
	chart4 "helm.sh/helm/v4/pkg/chart/v2"
	release4 "helm.sh/helm/v4/pkg/release/v1"
)

// release3 returns a release of Helm 4 in the type of Helm 3. What Helm 3 does not know,
// how it was applied, is left out.
func release3(r *release4.Release) *release.Release {
	rel := &release.Release{
		Name: r.Name, Namespace: r.Namespace, Version: r.Version, Manifest: r.Manifest,
		Config: r.Config, Chart: chartOf3(r.Chart), Labels: r.Labels,
	}
	if r.Info != nil {
		rel.Info = &release.Info{
			FirstDeployed: time.Time{Time: r.Info.FirstDeployed}, LastDeployed: time.Time{Time: r.Info.LastDeployed},
			Deleted: time.Time{Time: r.Info.Deleted}, Description: r.Info.Description,
			Status: release.Status(r.Info.Status), Notes: r.Info.Notes,
		}
	}
	for _, h := range r.Hooks {
		rel.Hooks = append(rel.Hooks, hook3(h))
	}
	return rel
}

func hook3(h *release4.Hook) *release.Hook {
	hook := &release.Hook{Name: h.Name, Kind: h.Kind, Path: h.Path, Manifest: h.Manifest, Weight: h.Weight}
	for _, event := range h.Events {
		hook.Events = append(hook.Events, release.HookEvent(event))
	}
	for _, policy := range h.DeletePolicies {
		hook.DeletePolicies = append(hook.DeletePolicies, release.HookDeletePolicy(policy))
	}
	for _, policy := range h.OutputLogPolicies {
		hook.OutputLogPolicies = append(hook.OutputLogPolicies, release.HookOutputLogPolicy(policy))
	}
	return hook
}

// chartOf3 returns a chart of Helm 4 in the type of Helm 3, which has the same fields but
// for times.
func chartOf3(c *chart4.Chart) *chart.Chart { //nolint:dupl // the same fields of other types
	if c == nil {
		return nil
	}
	ch := &chart.Chart{
		Raw: files3(c.Raw), Templates: files3(c.Templates), Files: files3(c.Files), Values: c.Values, Schema: c.Schema,
	}
	if m := c.Metadata; m != nil {
		ch.Metadata = &chart.Metadata{
			Name: m.Name, Home: m.Home, Sources: m.Sources, Version: m.Version, Description: m.Description,
			Keywords: m.Keywords, Icon: m.Icon, APIVersion: m.APIVersion, Condition: m.Condition,
			Tags: m.Tags, AppVersion: m.AppVersion, Deprecated: m.Deprecated, Annotations: m.Annotations,
			KubeVersion: m.KubeVersion, Type: m.Type,
			Dependencies: each(m.Dependencies, func(d *chart4.Dependency) *chart.Dependency { return new(chart.Dependency(*d)) }),
			Maintainers:  each(m.Maintainers, func(p *chart4.Maintainer) *chart.Maintainer { return new(chart.Maintainer(*p)) }),
		}
	}
	if c.Lock != nil {
		ch.Lock = &chart.Lock{
			Generated: c.Lock.Generated, Digest: c.Lock.Digest,
			Dependencies: each(c.Lock.Dependencies, func(d *chart4.Dependency) *chart.Dependency { return new(chart.Dependency(*d)) }),
		}
	}
	ch.SetDependencies(each(c.Dependencies(), chartOf3)...)
	return ch
}

// chartOf4 is the way back.
func chartOf4(c *chart.Chart) *chart4.Chart { //nolint:dupl // the same fields of other types
	if c == nil {
		return nil
	}
	ch := &chart4.Chart{
		Raw: files4(c.Raw), Templates: files4(c.Templates), Files: files4(c.Files), Values: c.Values, Schema: c.Schema,
	}
	if m := c.Metadata; m != nil {
		ch.Metadata = &chart4.Metadata{
			Name: m.Name, Home: m.Home, Sources: m.Sources, Version: m.Version, Description: m.Description,
			Keywords: m.Keywords, Icon: m.Icon, APIVersion: m.APIVersion, Condition: m.Condition,
			Tags: m.Tags, AppVersion: m.AppVersion, Deprecated: m.Deprecated, Annotations: m.Annotations,
			KubeVersion: m.KubeVersion, Type: m.Type,
			Dependencies: each(m.Dependencies, func(d *chart.Dependency) *chart4.Dependency { return new(chart4.Dependency(*d)) }),
			Maintainers:  each(m.Maintainers, func(p *chart.Maintainer) *chart4.Maintainer { return new(chart4.Maintainer(*p)) }),
		}
	}
	if c.Lock != nil {
		ch.Lock = &chart4.Lock{
			Generated: c.Lock.Generated, Digest: c.Lock.Digest,
			Dependencies: each(c.Lock.Dependencies, func(d *chart.Dependency) *chart4.Dependency { return new(chart4.Dependency(*d)) }),
		}
	}
	ch.SetDependencies(each(c.Dependencies(), chartOf4)...)
	return ch
}

func files3(files []*common.File) []*chart.File {
	return each(files, func(f *common.File) *chart.File { return &chart.File{Name: f.Name, Data: f.Data} })
}

func files4(files []*chart.File) []*common.File {
	return each(files, func(f *chart.File) *common.File { return &common.File{Name: f.Name, Data: f.Data} })
}

// each converts a list. No list stays none, as what renders its JSON would show the difference.
func each[A, B any](list []*A, convert func(*A) *B) []*B {
	if list == nil {
		return nil
	}
	converted := slices.Grow([]*B(nil), len(list))
	for _, item := range list {
		if item == nil {
			converted = append(converted, nil)
			continue
		}
		converted = append(converted, convert(item))
	}
	return converted
}
