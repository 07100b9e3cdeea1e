package exposure

import (
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
)

// Internal is an annotation that makes the load balancer of a Service one of the inner network.
type Internal struct {
	// Value is the one that does, in any case of letters; "" for every value.
	Name, Value string
	// Source is where the cloud says so.
	Source string
}

const (
	awsScheme      = "service.beta.kubernetes.io/aws-load-balancer-scheme"
	awsType        = "service.beta.kubernetes.io/aws-load-balancer-type"
	internetFacing = "internet-facing"
	nlbDocs        = "https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/service/annotations/"
	awsDocs        = "https://github.com/kubernetes/cloud-provider-aws/blob/master/docs/service_controller.md"
	azureDocs      = "https://cloud-provider-azure.sigs.k8s.io/topics/loadbalancer/"
	googleDocs     = "https://cloud.google.com/kubernetes-engine/docs/concepts/service-load-balancer-parameters"
	openstackDocs  = "https://github.com/kubernetes/cloud-provider-openstack/blob/master/docs/openstack-cloud-controller-manager/expose-applications-using-loadbalancer-type-service.md"
	oracleDocs     = "https://github.com/oracle/oci-cloud-controller-manager/blob/master/docs/load-balancer-annotations.md"
	alibabaDocs    = "https://github.com/kubernetes/cloud-provider-alibaba-cloud/blob/master/docs/usage.md"
)

// Internals returns the annotations that are known.
func Internals() []Internal { return internals }

var internals = []Internal{ //nolint:gochecknoglobals // a constant table
	{"service.beta.kubernetes.io/aws-load-balancer-internal", "true", awsDocs},
	{"service.beta.kubernetes.io/aws-load-balancer-internal", "0.0.0.0/0", awsDocs},
	{awsScheme, "internal", nlbDocs},
	{"service.beta.kubernetes.io/azure-load-balancer-internal", "true", azureDocs},
	{"networking.gke.io/load-balancer-type", "Internal", googleDocs},
	{"cloud.google.com/load-balancer-type", "Internal", googleDocs},
	{"service.beta.kubernetes.io/openstack-internal-load-balancer", "true", openstackDocs},
	{"service.beta.kubernetes.io/oci-load-balancer-internal", "true", oracleDocs},
	{"oci-network-load-balancer.oraclecloud.com/internal", "true", oracleDocs},
	{"service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type", "intranet", alibabaDocs},
	{"service.beta.kubernetes.io/alicloud-loadbalancer-address-type", "intranet", alibabaDocs},
	{"service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type", "private", "https://cloud.ibm.com/docs/containers?topic=containers-loadbalancer"},
	{"service.beta.kubernetes.io/do-loadbalancer-network", "INTERNAL", "https://github.com/digitalocean/digitalocean-cloud-controller-manager/blob/master/docs/controllers/services/annotations.md"},
	{"load-balancer.hetzner.cloud/disable-public-network", "true", "https://github.com/hetznercloud/hcloud-cloud-controller-manager/blob/main/docs/reference/load_balancer_annotations.md"},
	{"service.beta.kubernetes.io/scw-loadbalancer-private", "true", "https://github.com/scaleway/scaleway-cloud-controller-manager/blob/master/docs/loadbalancer-annotations.md"},
	{"service.kubernetes.io/qcloud-loadbalancer-internal-subnetid", "", "https://www.tencentcloud.com/document/product/457/36833"},
	{"yandex.cloud/load-balancer-type", "internal", "https://yandex.cloud/docs/managed-kubernetes/operations/create-load-balancer"},
}

// Holds reports whether a value of the annotation keeps the load balancer inside.
func (n *Internal) Holds(value string) bool {
	return value != "" && (n.Value == "" || strings.EqualFold(value, n.Value))
}

// byAWSController reports whether the AWS Load Balancer Controller makes the load balancer of a
// Service, which is an inner one unless the Service says otherwise.
func (r reading) byAWSController() bool {
	return slices.Contains([]string{"external", "nlb-ip"}, r.annotation(awsType)) ||
		untyped.At(r.value, "spec", "loadBalancerClass") == "service.k8s.aws/nlb"
}
