package apiserver

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/storage/storagebackend/factory"
	"k8s.io/client-go/tools/cache"
	api "k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/registry/core/service/ipallocator"
	"k8s.io/kubernetes/pkg/registry/core/service/portallocator"
	servicestorage "k8s.io/kubernetes/pkg/registry/core/service/storage"
)

// services runs what the API server does to a Service outside its strategy: it
// hands out addresses and ports, and keeps the handed-out ones on an update.
// Without it no Service would even pass validation.
//
// A cluster with one IPv4 stack and the API server's own range of node ports is
// assumed; an installed Service outside of that range proves it to be wider.
// Which addresses and ports others have the server must be told (Besides); every
// other one that a manifest asks for is granted.
type services struct {
	mu      sync.Mutex
	storage *servicestorage.REST
	ips     *addresses
	ports   *nodePorts
}

func newServices() (*services, error) {
	_, cidr, err := net.ParseCIDR("10.96.0.0/12")
	if err != nil {
		return nil, fmt.Errorf("parse the service network: %w", err)
	}
	s := &services{ips: &addresses{cidr: *cidr}, ports: &nodePorts{}}
	s.storage, _, _, err = servicestorage.NewREST(noStorage{}, api.IPv4Protocol,
		map[api.IPFamily]ipallocator.Interface{api.IPv4Protocol: s.ips}, s.ports, nil, nil, nil)
	if err != nil {
		return nil, fmt.Errorf("set up services: %w", err)
	}
	return s, nil
}

// created fills in what the API server assigns to a new Service. An installed
// one was granted whatever it asks for.
func (s *services) created(ctx context.Context, service *api.Service, installed bool, taken map[string]bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if installed {
		taken = nil
	}
	s.ports.anywhere, s.ports.taken, s.ips.taken = installed, taken, taken
	s.ips.next, s.ports.next = 0, 0
	finish, err := s.storage.BeginCreate(ctx, service, &metav1.CreateOptions{})
	if err != nil {
		return err
	}
	finish(ctx, true)
	return nil
}

// updated carries over what the old Service was assigned.
func (s *services) updated(ctx context.Context, service, old *api.Service, taken map[string]bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ports.taken, s.ips.taken = taken, taken
	s.ports.anywhere = slices.ContainsFunc(old.Spec.Ports, func(p api.ServicePort) bool {
		return p.NodePort != 0 && !nodePortRange.Contains(int(p.NodePort))
	})
	// Far from what created handed out, so that a new port is no old one.
	s.ips.next, s.ports.next = 1<<10, 1<<10
	finish, err := s.storage.BeginUpdate(ctx, service, old, &metav1.UpdateOptions{})
	if err != nil {
		return err
	}
	finish(ctx, true)
	return nil
}

// read fills in what the API server derives when a Service is read.
func (s *services) read(service *api.Service) { s.storage.Decorator(service) }

// Allocated names what a Service has, or asks for, of which each cluster has one: the
// addresses of its network and the ports of its nodes. fields are those of its manifest,
// or of the stored object.
func Allocated(fields map[string]any) []string {
	spec, _ := fields["spec"].(map[string]any)
	var list []string
	add := func(value any) {
		switch v := value.(type) {
		case string:
			if ip := net.ParseIP(v); ip != nil {
				list = append(list, ip.String())
			}
		case int64:
			if v != 0 {
				list = append(list, strconv.FormatInt(v, 10))
			}
		}
	}
	add(spec["clusterIP"])
	addresses, _ := spec["clusterIPs"].([]any)
	for _, address := range addresses {
		add(address)
	}
	ports, _ := spec["ports"].([]any)
	for _, item := range ports {
		port, _ := item.(map[string]any)
		add(port["nodePort"])
	}
	add(spec["healthCheckNodePort"])
	slices.Sort(list)
	return slices.Compact(list)
}

// addresses grants every address that is not taken, and makes them up in a fixed order.
type addresses struct {
	cidr  net.IPNet
	next  int
	taken map[string]bool
}

func (a *addresses) Allocate(ip net.IP) error {
	if a.taken[ip.String()] {
		return ipallocator.ErrAllocated
	}
	return nil
}
func (a *addresses) Release(net.IP) error { return nil }
func (a *addresses) AllocateNext() (net.IP, error) {
	a.next++
	return net.IPv4(10, 96, byte(a.next>>8), byte(a.next)), nil //nolint:gosec // the two low bytes are meant
}
func (a *addresses) ForEach(func(net.IP))          {}
func (a *addresses) CIDR() net.IPNet               { return a.cidr }
func (a *addresses) IPFamily() api.IPFamily        { return api.IPv4Protocol }
func (a *addresses) Has(net.IP) bool               { return false }
func (a *addresses) Destroy()                      {}
func (a *addresses) EnableMetrics()                {}
func (a *addresses) DryRun() ipallocator.Interface { return a }

// nodePortRange is where node ports lie unless the administrator says otherwise
// (DefaultServiceNodePortRange in k8s.io/kubernetes/pkg/kubeapiserver/options).
var nodePortRange = utilnet.PortRange{Base: 30000, Size: 2768} //nolint:gochecknoglobals // a constant

// nodePorts grants every port in the range, or anywhere, that is not taken, and makes
// them up in a fixed order.
type nodePorts struct {
	next     int
	anywhere bool
	taken    map[string]bool
}

func (p *nodePorts) Allocate(port int) error {
	if !p.anywhere && !nodePortRange.Contains(port) {
		return &portallocator.ErrNotInRange{ValidPorts: nodePortRange.String()}
	}
	if p.taken[strconv.Itoa(port)] {
		return portallocator.ErrAllocated
	}
	return nil
}
func (p *nodePorts) Release(int) error { return nil }
func (p *nodePorts) AllocateNext() (int, error) {
	p.next++
	return nodePortRange.Base + p.next%nodePortRange.Size, nil
}
func (p *nodePorts) ForEach(func(int)) {}
func (p *nodePorts) Has(int) bool      { return false }
func (p *nodePorts) Destroy()          {}
func (p *nodePorts) EnableMetrics()    {}

// noStorage lets the Service storage be built without a database behind it. Only
// its hooks are ever called.
type noStorage struct{}

func (noStorage) GetRESTOptions(resource schema.GroupResource, _ runtime.Object) (generic.RESTOptions, error) {
	return generic.RESTOptions{
		ResourcePrefix: "/services",
		StorageConfig:  &storagebackend.ConfigForResource{GroupResource: resource},
		Decorator: func(*storagebackend.ConfigForResource, string, func(runtime.Object) (string, error), func() runtime.Object,
			func() runtime.Object, storage.AttrFunc, storage.IndexerFuncs, *cache.Indexers,
		) (storage.Interface, factory.DestroyFunc, error) {
			return nil, func() {}, nil
		},
	}, nil
}
