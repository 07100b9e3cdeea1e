package upgrade

import (
	"cmp"
	"maps"
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/fieldpath"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// Service is a Service as one side has it.
type Service struct {
	Ref      manifest.Ref
	Selector map[string]string
	Ports    []Port
	// Headless says that it has no address of its own, External that it leads out of
	// the cluster, to the host that Host names.
	Headless, External bool
	// Unready says that pods that are not ready get requests, too.
	Unready bool
	Host    string
	// Type, InternalPolicy and ExternalPolicy are as the API server fills them in.
	Type, InternalPolicy, ExternalPolicy string
}

// Services are a Service as both manifests have it; nil where there is none.
type Services struct{ Old, New *Service }

// Traffic is a Service of the installed release that sees the upgrade: it changes itself,
// or goes, or something happens to the pods that it selects.
type Traffic struct {
	*Object
	// Was and Is are the Service before the upgrade and after it. Of one that goes Is is
	// what it was.
	Was, Is *Service
	// Before, During and After are the workloads whose pods it selects at these moments.
	Before, During, After []*Workload
}

// EndpointsOf returns the workloads whose pods the Service selects at a moment.
func (t *Traffic) EndpointsOf(m Moment) []*Workload {
	return [...][]*Workload{t.Before, t.During, t.After}[m]
}

// Turns reports whether the selector of the Service changes.
func (t *Traffic) Turns() bool { return !maps.Equal(t.Was.Selector, t.Is.Selector) }

// IsService reports whether an object is a Service.
func IsService(ref manifest.Ref) bool { return ref.Kind == "Service" && ref.Group == "" }

// Traffic returns the Services that see the upgrade. Where nothing that a Service could see
// changes in a namespace, nothing is decoded.
func (u *Upgrade) Traffic() []Traffic {
	if u.asked.traffic {
		return u.traffic
	}
	var list []Traffic
	affected := u.moving()
	for i := range u.Objects {
		o := &u.Objects[i]
		if !affected[o.Ref().Namespace] || !IsService(o.Ref()) || o.Old == nil || o.New == nil && !o.Goes() {
			continue
		}
		t := Traffic{Object: o, Was: u.Service(o.Old)}
		t.Is = t.Was
		if !o.Goes() && o.Done() {
			t.Is = u.Service(o.Result())
		}
		if !o.Goes() && (len(t.Is.Selector) == 0 || t.Is.External || !u.sees(&t)) {
			continue
		}
		t.Before = u.Selecting(o.Ref().Namespace, t.Was.Selector, Before)
		t.During = u.Selecting(o.Ref().Namespace, t.Is.Selector, During)
		t.After = u.Selecting(o.Ref().Namespace, t.Is.Selector, After)
		list = append(list, t)
	}
	u.traffic, u.asked.traffic = list, true
	return list
}

// moving returns the namespaces in which something changes about Services, or about
// workloads in a way that Services see.
func (u *Upgrade) moving() map[string]bool {
	services, affected := map[string]bool{}, map[string]bool{}
	for i := range u.Objects {
		if o := &u.Objects[i]; IsService(o.Ref()) && o.Old != nil {
			services[o.Ref().Namespace] = true
		}
	}
	for i := range u.Objects {
		o := &u.Objects[i]
		if o.Done() && services[o.Change.Ref.Namespace] && (Opens(o.Change) || visible(o.Change)) {
			affected[o.Change.Ref.Namespace] = true
		}
	}
	return affected
}

// Opens reports whether a change is of a Service that goes, or does something different.
func Opens(c *change.Change) bool {
	return IsService(c.Ref) && (c.Op == change.Delete || c.Op == change.Update && Edited(c, "spec"))
}

// visible reports whether Services see that a workload changes: by labels, ports or
// readiness, because a sidecar is none any more, or because it comes or goes. Of CronJobs and
// hooks it is not told how many pods they have.
func visible(c *change.Change) bool {
	p := c.Outcome.Pods
	switch {
	case p == nil && c.Outcome.PodSpec == nil:
		return false
	case c.Op != change.Update, p != nil && (p.AllDown || p.Before == 0 && p.Desired != 0),
		c.Ref.Kind == "StatefulSet" && (Edited(c, "spec", "replicas") || Edited(c, "spec", "ordinals")): // the pods have numbers
		return true
	}
	return slices.ContainsFunc(c.Edits, func(e change.Edit) bool {
		return slices.ContainsFunc(e.Path, func(step fieldpath.Element) bool {
			return slices.Contains([]string{"labels", "ports", "readinessProbe", "restartPolicy"}, step.Field)
		}) || len(e.Path) > 0 && e.Path[len(e.Path)-1].Keys != nil // a container that comes or goes
	})
}

// sees reports whether a Service sees anything of the upgrade.
func (u *Upgrade) sees(t *Traffic) bool {
	if t.Done() && Opens(t.Change) {
		return true
	}
	return slices.ContainsFunc(u.changing(t.Is.Ref.Namespace), func(w *Workload) bool {
		return w.Done() && visible(w.Change) && (t.Was.selects(w.Before) || t.Is.selects(w.Before) || t.Is.selects(w.After))
	})
}

// Service returns a Service as a manifest has it. It is read once, whoever asks.
func (u *Upgrade) Service(o *manifest.Object) *Service {
	s, known := u.services[o]
	if !known {
		s = newService(o)
		o.Forget()
		u.services[o] = s
	}
	return s
}

// ReadServices reads both manifests of a Service; nil if the object is none.
func ReadServices(o *Object) *Services {
	if !IsService(o.Ref()) {
		return nil
	}
	s := &Services{}
	if o.Old != nil {
		s.Old = newService(o.Old)
	}
	if o.New != nil {
		s.New = newService(o.Result())
	}
	return s
}

func newService(o *manifest.Object) *Service {
	s := &Service{Ref: o.Ref, Selector: map[string]string{}}
	spec := Spec(o)
	for k, v := range untyped.Map(spec, "selector") {
		s.Selector[k], _ = v.(string)
	}
	s.Headless, s.External = spec["clusterIP"] == "None", spec["type"] == "ExternalName"
	s.Unready = spec["publishNotReadyAddresses"] == true
	s.Host = untyped.Text(spec, "externalName")
	s.Type = cmp.Or(untyped.Text(spec, "type"), "ClusterIP")
	s.InternalPolicy = cmp.Or(untyped.Text(spec, "internalTrafficPolicy"), "Cluster")
	s.ExternalPolicy = cmp.Or(untyped.Text(spec, "externalTrafficPolicy"), "Cluster")
	for _, port := range untyped.Maps(spec, "ports") {
		p := Port{Protocol: protocol(port)}
		p.Called, _ = port["name"].(string)
		p.Own, _ = port["port"].(int64)
		p.Number = p.Own // the default, also where 0 or nothing is written
		switch to := port["targetPort"].(type) {
		case string:
			if to != "" {
				p.Name, p.Number = to, 0
			}
		case int64:
			p.Number = cmp.Or(to, p.Number)
		}
		s.Ports = append(s.Ports, p)
	}
	return s
}

// UpdatedServices returns the Services that stay and change, with the lasting workloads whose pods they
// select: During by the old selector after the upgrade. It is to be asked once all is judged.
func (u *Upgrade) UpdatedServices() []Traffic {
	if u.asked.updated {
		return u.updated
	}
	for i := range u.Objects {
		o := &u.Objects[i]
		if !IsService(o.Ref()) || !o.Does(change.Update) || !o.Edited("spec") || o.Change.Before() == nil {
			continue
		}
		t := Traffic{Object: o, Was: u.Service(o.Change.Before()), Is: u.Service(o.Result())}
		if !t.Was.External {
			t.Before = Lasting(u.Selecting(o.Ref().Namespace, t.Was.Selector, Before))
			t.During = Lasting(u.Selecting(o.Ref().Namespace, t.Was.Selector, After))
		}
		if !t.Is.External {
			t.After = Lasting(u.Selecting(o.Ref().Namespace, t.Is.Selector, After))
		}
		u.updated = append(u.updated, t)
	}
	u.asked.updated = true
	return u.updated
}

// ServiceAfter returns a Service as it is once the upgrade is over, and the workloads whose pods it
// selects then; nil if the release has no such Service, or one that selects no pods.
func (u *Upgrade) ServiceAfter(id manifest.Identity) (*Service, []*Workload) {
	o := u.Object(id)
	if o == nil || o.Standing(After) == nil {
		return nil, nil
	}
	s := u.Service(o.Standing(After))
	if len(s.Selector) == 0 || s.External {
		return nil, nil
	}
	return s, u.Selecting(id.Namespace, s.Selector, After)
}

func (s *Service) selects(p *PodTemplate) bool { return len(s.Selector) > 0 && p.Carries(s.Selector) }

// Same reports whether two are the targets of one port of a Service.
func (p Port) Same(other Port) bool { return p.Called == other.Called && p.Protocol == other.Protocol }

// Fails reports whether requests that are meant for some pods fail at others: their
// containers do not have the port, or run other images. Pods without a port that is
// named are no endpoints for it.
func (s *Service) Fails(own, other *PodTemplate) bool {
	reached := false
	for _, port := range s.Ports {
		if port.Number != 0 && own.Has(port) && !other.Has(port) {
			return true
		}
		reached = reached || port.Number != 0 || other.Has(port)
	}
	return reached && !slices.ContainsFunc(other.Containers, func(c Container) bool {
		return slices.ContainsFunc(own.Containers, func(o Container) bool { return o.Image == c.Image })
	})
}

// Reaches reports whether requests to the Service go to a container: it has the port,
// or no container says that it has.
func (s *Service) Reaches(p *PodTemplate, c *Container) bool {
	return slices.ContainsFunc(s.Ports, func(port Port) bool {
		return c.Has(port) || port.Number != 0 && !p.Has(port)
	})
}
