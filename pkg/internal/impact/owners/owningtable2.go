package owners

import "github.com/safe-diff/helm-safe-diff/pkg/change"

func messages() []owning {
	return []owning{
		{
			groups: []string{"kafka.strimzi.io"},
			kinds:  []string{"KafkaConnect", "KafkaConnector", "KafkaBridge", "KafkaMirrorMaker2"},
			risk:   change.Outage,
			loses:  "what it runs is stopped",
			source: "https://strimzi.io/docs/operators/latest/deploying",
		},
		{
			groups: []string{"kafka.banzaicloud.io"}, kinds: []string{"KafkaCluster", "KafkaTopic"}, risk: change.DataLoss,
			loses:  "the topics are deleted with their messages",
			source: "https://github.com/banzaicloud/koperator",
		},
		{
			groups: []string{"cluster.redpanda.com"}, kinds: []string{"Redpanda", "Topic"}, risk: change.DataLoss,
			loses:  "the topics are deleted with their messages",
			source: "https://docs.redpanda.com/current/reference/k-crd/",
		},
		{
			groups: []string{"rabbitmq.com"}, kinds: []string{"RabbitmqCluster"}, risk: change.DataLoss,
			loses:  "the brokers go, and the volumes with the messages are deleted with them",
			source: "https://www.rabbitmq.com/kubernetes/operator/using-operator#delete",
		},
		{
			groups: []string{"rabbitmq.com"}, kinds: []string{"Queue", "Vhost"}, risk: change.DataLoss,
			loses:  "it is deleted with all its messages",
			source: "https://www.rabbitmq.com/kubernetes/operator/using-topology-operator",
			spares: says("retain", "spec", "deletionPolicy"),
		},
		{
			groups: []string{"rabbitmq.com"}, kinds: []string{"Exchange", "Binding", "User", "Permission"}, risk: change.Outage,
			loses:  "messages are no longer routed, or accepted",
			source: "https://www.rabbitmq.com/kubernetes/operator/using-topology-operator",
		},
		{
			groups: []string{"jetstream.nats.io"}, kinds: []string{"Stream", "KeyValue", "ObjectStore"}, risk: change.DataLoss,
			loses:  "it is deleted with all that it holds",
			source: "https://github.com/nats-io/nack",
			spares: says(true, "spec", "preventDelete"),
		},
		{
			groups: []string{"jetstream.nats.io"}, kinds: []string{"Consumer"}, risk: change.DataLoss,
			loses:  "it is deleted with the place up to which it has read",
			source: "https://github.com/nats-io/nack",
			spares: says(true, "spec", "preventDelete"),
		},
		{
			groups: []string{"monitoring.coreos.com"}, kinds: []string{"Prometheus"}, risk: change.DataLoss,
			loses:  "its pods go, and nothing mounts the volumes with the metrics any more",
			source: "https://prometheus-operator.dev/docs/platform/storage/",
		},
	}
}

func observability() []owning {
	return []owning{
		{
			groups: []string{"monitoring.coreos.com"}, kinds: []string{"Alertmanager", "ThanosRuler"}, risk: change.DataLoss,
			loses:  "its pods go, and nothing mounts the volumes with its state any more",
			source: "https://prometheus-operator.dev/docs/platform/storage/",
		},
		{
			groups: []string{"monitoring.coreos.com"}, kinds: []string{"PrometheusAgent"}, risk: change.Outage,
			loses:  "its pods go, and nothing is scraped",
			source: "https://prometheus-operator.dev/docs/platform/prometheus-agent/",
		},
		{
			groups: []string{"operator.victoriametrics.com"},
			kinds:  []string{"VMSingle", "VMCluster", "VLogs", "VLSingle", "VLCluster", "VMAlertmanager"},
			risk:   change.DataLoss,
			loses:  "the database goes, and its volumes are deleted or belong to nobody",
			source: "https://docs.victoriametrics.com/operator/resources/",
		},
		{
			groups: []string{"operator.victoriametrics.com"}, kinds: []string{"VMAgent", "VMAlert", "VMAuth"}, risk: change.Outage,
			loses:  "its pods go with it",
			source: "https://docs.victoriametrics.com/operator/resources/",
		},
		{
			groups: []string{"loki.grafana.com"}, kinds: []string{"LokiStack"}, risk: change.DataLoss,
			loses:  "the logs that are not in the object store yet go with it",
			source: "https://loki-operator.dev/docs/",
		},
		{
			groups: []string{"tempo.grafana.com"}, kinds: []string{"TempoStack", "TempoMonolithic"}, risk: change.DataLoss,
			loses:  "the traces that are not in the object store yet go with it",
			source: "https://grafana.com/docs/tempo/latest/setup/operator/",
		},
		{
			groups: []string{"grafana.integreatly.org"}, kinds: []string{"Grafana"}, risk: change.DataLoss,
			loses:  "its pods go with it, and what is not in dashboards of the cluster",
			source: "https://grafana.github.io/grafana-operator/docs/",
		},
		{
			groups: []string{"jaegertracing.io"}, kinds: []string{"Jaeger"}, risk: change.Outage,
			loses:  "its pods go with it",
			source: "https://www.jaegertracing.io/docs/1.76/operator/",
		},
		{
			groups: []string{"snapshot.storage.k8s.io"},
			kinds:  []string{"VolumeSnapshot", "VolumeSnapshotContent"},
			risk:   change.DataLoss,
			loses:  "the snapshot is deleted in the storage system, unless its deletionPolicy is Retain",
			source: "https://kubernetes.io/docs/concepts/storage/volume-snapshots/#delete",
			spares: says("Retain", "spec", "deletionPolicy"),
		},
	}
}

func storages() []owning {
	return []owning{
		{
			groups: []string{"ceph.rook.io"},
			kinds:  []string{"CephCluster", "CephBlockPool", "CephFilesystem", "CephObjectStore", "CephNFS"},
			risk:   change.DataLoss,
			loses:  "the storage goes with all volumes in it",
			source: "https://rook.io/docs/rook/latest-release/Getting-Started/ceph-teardown/",
		},
		{
			groups: []string{"ceph.rook.io"}, kinds: []string{"CephObjectStoreUser", "CephClient"}, risk: change.Outage,
			loses:  "the account is deleted, and the Secret with its keys",
			source: "https://rook.io/docs/rook/latest-release/CRDs/Object-Storage/ceph-object-store-user-crd/",
		},
		{
			groups: []string{"objectbucket.io"}, kinds: []string{"ObjectBucketClaim"}, risk: change.DataLoss,
			loses:  "the bucket is deleted with all that is in it, unless its StorageClass retains it",
			source: "https://rook.io/docs/rook/latest-release/Storage-Configuration/Object-Storage-RGW/ceph-object-bucket-claim/",
		},
		{
			groups: []string{"longhorn.io"}, kinds: []string{"Volume", "BackingImage"}, risk: change.DataLoss,
			loses:  "it is deleted with its data",
			source: "https://longhorn.io/docs/latest/nodes-and-volumes/volumes/delete-volumes/",
		},
		{
			groups: []string{"minio.min.io"}, kinds: []string{"Tenant"}, risk: change.DataLoss,
			loses:  "the object store goes, and nothing mounts its volumes any more",
			source: "https://github.com/minio/operator/blob/master/docs/tenant_crd.adoc",
		},
		{
			groups: []string{"kubevirt.io"}, kinds: []string{"VirtualMachine"}, risk: change.DataLoss,
			loses:  "the machine is deleted, and the disks that it has made",
			source: "https://kubevirt.io/user-guide/storage/disks_and_volumes/",
		},
		{
			groups: []string{"cdi.kubevirt.io"}, kinds: []string{"DataVolume"}, risk: change.DataLoss,
			loses:  "its claim is deleted with the disk",
			source: "https://github.com/kubevirt/containerized-data-importer/blob/main/doc/datavolumes.md",
		},
		{
			groups: []string{"*.services.k8s.aws"}, kinds: []string{"*"}, risk: change.DataLoss,
			loses:  "what it stands for is deleted in AWS",
			source: "https://aws-controllers-k8s.github.io/community/docs/user-docs/deletion-policy/",
			spares: annotated("services.k8s.aws/deletion-policy", "retain"),
		},
		{
			groups: []string{"*.cnrm.cloud.google.com"}, kinds: []string{"*"}, risk: change.DataLoss,
			loses:  "what it stands for is deleted in Google Cloud",
			source: "https://cloud.google.com/config-connector/docs/how-to/managing-deleting-resources",
			spares: annotated("cnrm.cloud.google.com/deletion-policy", "abandon"),
		},
	}
}

func providers() []owning {
	return []owning{
		{
			groups: []string{"*.azure.com"}, kinds: []string{"*"}, risk: change.DataLoss,
			loses:  "what it stands for is deleted in Azure",
			source: "https://azure.github.io/azure-service-operator/guide/annotations/",
			spares: annotated("serviceoperator.azure.com/reconcile-policy", "detach-on-delete", "skip"),
		},
		{
			groups: []string{"*.crossplane.io", "*.upbound.io"}, kinds: []string{"*"}, risk: change.DataLoss,
			loses:  "what it stands for is deleted at the provider",
			source: "https://docs.crossplane.io/latest/concepts/managed-resources/#deletionpolicy",
			spares: crossplaneSpares,
		},
		{
			groups: []string{"external-secrets.io"}, kinds: []string{"ExternalSecret"}, risk: change.Outage,
			loses:  "the Secret that it makes is deleted with it",
			source: "https://external-secrets.io/latest/guides/ownership-deletion-policy/",
			spares: oneOf([]string{"Orphan", "Merge", "None"}, "spec", "target", "creationPolicy"),
		},
		{
			groups: []string{"external-secrets.io"}, kinds: []string{"ClusterExternalSecret"}, risk: change.Outage,
			loses:  "the Secrets that it makes are deleted with it, in all its namespaces",
			source: "https://external-secrets.io/latest/api/clusterexternalsecret/",
		},
		{
			groups: []string{"external-secrets.io"}, kinds: []string{"PushSecret"}, risk: change.DataLoss,
			loses:  "what it has pushed is deleted at the provider",
			source: "https://external-secrets.io/latest/api/pushsecret/",
			spares: unless("Delete", "spec", "deletionPolicy"),
		},
		{
			groups: []string{"bitnami.com"}, kinds: []string{"SealedSecret"}, risk: change.Outage,
			loses:  "the Secret that it makes is deleted with it",
			source: "https://github.com/bitnami-labs/sealed-secrets#usage",
			spares: annotated("sealedsecrets.bitnami.com/skip-set-owner-references", "true"),
		},
		{
			groups: []string{"cert-manager.io"}, kinds: []string{"Certificate"}, risk: change.Outage,
			loses:  "its Secret is no longer renewed, or is deleted with it",
			source: "https://cert-manager.io/docs/usage/certificate/#cleaning-up-secrets-when-certificates-are-deleted",
		},
		{
			groups: []string{"cert-manager.io"}, kinds: []string{"Issuer", "ClusterIssuer"}, risk: change.Outage,
			loses:  "certificates that name it are no longer renewed",
			source: "https://cert-manager.io/docs/configuration/issuers/",
		},
		{
			groups: []string{"secrets.hashicorp.com"},
			kinds:  []string{"VaultStaticSecret", "VaultDynamicSecret", "VaultPKISecret", "HCPVaultSecretsApp"},
			risk:   change.Outage,
			loses:  "the Secret that it makes is deleted with it",
			source: "https://developer.hashicorp.com/vault/docs/deploy/kubernetes/vso/api-reference",
		},
	}
}

func secretMakers() []owning {
	return []owning{
		{
			groups: []string{"onepassword.com"}, kinds: []string{"OnePasswordItem"}, risk: change.Outage,
			loses:  "the Secret that it makes is deleted with it",
			source: "https://developer.1password.com/docs/k8s/operator/",
		},
		{
			groups: []string{"secrets.infisical.com"}, kinds: []string{"InfisicalSecret"}, risk: change.Outage,
			loses:  "the Secret that it makes may be deleted with it",
			source: "https://infisical.com/docs/integrations/platforms/kubernetes/infisical-secret-crd",
		},
		{
			groups: []string{"gateway.networking.k8s.io"}, kinds: []string{"Gateway"}, risk: change.Outage,
			loses:  "its load balancer goes, and no route that names it is served",
			source: "https://gateway-api.sigs.k8s.io/api-types/gateway/",
		},
		{
			groups: []string{"karpenter.sh"}, kinds: []string{"NodePool"}, risk: change.Outage,
			loses:  "its nodes are drained and terminated",
			source: "https://karpenter.sh/docs/concepts/disruption/",
		},
		{
			groups: []string{"metallb.io"}, kinds: []string{"IPAddressPool"}, risk: change.Outage,
			loses:  "Services lose the addresses that they have of it",
			source: "https://metallb.universe.tf/configuration/",
		},
		{
			groups: []string{"flink.apache.org"}, kinds: []string{"FlinkDeployment", "FlinkSessionJob"}, risk: change.DataLoss,
			loses:  "the job is cancelled, and what it knows of its last state is deleted",
			source: "https://nightlies.apache.org/flink/flink-kubernetes-operator-docs-main/docs/custom-resource/job-management/",
		},
		{
			groups: []string{"ray.io"}, kinds: []string{"RayCluster", "RayService"}, risk: change.Outage,
			loses:  "its pods go with it",
			source: "https://docs.ray.io/en/latest/cluster/kubernetes/index.html",
		},
		{
			groups: []string{"k8s.keycloak.org"}, kinds: []string{"Keycloak"}, risk: change.Outage,
			loses:  "its pods and its Service are deleted with it",
			source: "https://www.keycloak.org/operator/basic-deployment",
		},
	}
}
