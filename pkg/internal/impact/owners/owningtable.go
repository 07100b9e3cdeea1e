package owners

import (
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// owningTable lists the kinds of custom resources that own more than themselves. What goes with
// one is what the documentation of its project says.
func owningTable() []owning {
	return slices.Concat(deployers(), databases(), moreDatabases(), tablesAndIndexes(), queues(), messages(), observability(),
		storages(), providers(), secretMakers())
}

func deployers() []owning {
	return []owning{
		{
			groups: []string{"argoproj.io"}, kinds: []string{"Application"}, risk: change.DataLoss,
			loses:  "all that it has deployed is deleted with it",
			source: "https://argo-cd.readthedocs.io/en/stable/user-guide/app_deletion/",
			spares: withoutFinalizer("resources-finalizer.argocd.argoproj.io"),
		},
		{
			groups: []string{"argoproj.io"}, kinds: []string{"ApplicationSet"}, risk: change.DataLoss,
			loses:  "its Applications are deleted, and all that they have deployed",
			source: "https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/Application-Deletion/",
			spares: says(true, "spec", "syncPolicy", "preserveResourcesOnDeletion"),
		},
		{
			groups: []string{"kustomize.toolkit.fluxcd.io"}, kinds: []string{"Kustomization"}, risk: change.DataLoss,
			loses:  "all that it has deployed is deleted with it",
			source: "https://fluxcd.io/flux/components/kustomize/kustomizations/#deletion-policy",
			spares: fluxSpares,
		},
		{
			groups: []string{"helm.toolkit.fluxcd.io"}, kinds: []string{"HelmRelease"}, risk: change.DataLoss,
			loses:  "the release that it has installed is uninstalled",
			source: "https://fluxcd.io/flux/components/helm/helmreleases/",
			spares: says(true, "spec", "suspend"),
		},
		{
			groups: []string{"helm.cattle.io"}, kinds: []string{"HelmChart"}, risk: change.DataLoss,
			loses:  "the chart that it has installed is uninstalled",
			source: "https://docs.k3s.io/helm",
		},
		{
			groups: []string{"infra.contrib.fluxcd.io"}, kinds: []string{"Terraform"}, risk: change.DataLoss,
			loses:  "what it has created is destroyed",
			source: "https://flux-iac.github.io/tofu-controller/",
			spares: unless(true, "spec", "destroyResourcesOnDeletion"),
		},
		{
			groups: []string{"cluster.x-k8s.io"}, kinds: []string{"Cluster"}, risk: change.DataLoss,
			loses:  "the whole cluster is deleted, with its machines",
			source: "https://cluster-api.sigs.k8s.io/user/quick-start.html",
		},
		{
			groups: []string{"capsule.clastix.io"}, kinds: []string{"Tenant"}, risk: change.DataLoss,
			loses:  "the namespaces of the tenant are deleted with all that is in them",
			source: "https://projectcapsule.dev/docs/tenants/",
		},
		{
			groups: []string{"postgresql.cnpg.io"}, kinds: []string{"Cluster"}, risk: change.DataLoss,
			loses:  "the database goes, and its volumes are deleted with it",
			source: "https://cloudnative-pg.io/documentation/current/storage/",
		},
	}
}

func databases() []owning {
	return []owning{
		{
			groups: []string{"postgresql.cnpg.io"}, kinds: []string{"Database"}, risk: change.DataLoss,
			loses:  "the database is dropped",
			source: "https://cloudnative-pg.io/documentation/current/declarative_database_management/",
			spares: unless("delete", "spec", "databaseReclaimPolicy"),
		},
		{
			groups: []string{"acid.zalan.do"}, kinds: []string{"postgresql"}, risk: change.DataLoss,
			loses:  "the database goes, and its volumes are deleted with it",
			source: "https://opensource.zalando.com/postgres-operator/docs/administrator.html",
		},
		{
			groups: []string{"postgres-operator.crunchydata.com"}, kinds: []string{"PostgresCluster"}, risk: change.DataLoss,
			loses:  "the database goes, and its volumes are deleted with it",
			source: "https://access.crunchydata.com/documentation/postgres-operator/latest/tutorials/basic-setup/delete-cluster",
		},
		{
			groups: []string{"pgv2.percona.com"}, kinds: []string{"PerconaPGCluster"}, risk: change.DataLoss,
			loses:  "the database goes, and its volumes are deleted or belong to nobody",
			source: "https://docs.percona.com/percona-operator-for-postgresql/2.0/delete.html",
		},
		{
			groups: []string{"psmdb.percona.com"}, kinds: []string{"PerconaServerMongoDB"}, risk: change.DataLoss,
			loses:  "the database goes, and its volumes are deleted or belong to nobody",
			source: "https://docs.percona.com/percona-operator-for-mongodb/delete.html",
		},
		{
			groups: []string{"pxc.percona.com"}, kinds: []string{"PerconaXtraDBCluster"}, risk: change.DataLoss,
			loses:  "the database goes, and its volumes are deleted or belong to nobody",
			source: "https://docs.percona.com/percona-operator-for-mysql/pxc/delete.html",
		},
		{
			groups: []string{"ps.percona.com"}, kinds: []string{"PerconaServerMySQL"}, risk: change.DataLoss,
			loses:  "the database goes, and its volumes are deleted or belong to nobody",
			source: "https://docs.percona.com/percona-operator-for-mysql/ps/delete.html",
		},
		{
			groups: []string{"mongodbcommunity.mongodb.com"}, kinds: []string{"MongoDBCommunity"}, risk: change.DataLoss,
			loses:  "the database goes, and its volumes are deleted or belong to nobody",
			source: "https://github.com/mongodb/mongodb-kubernetes-operator/blob/master/docs/deploy-configure.md",
		},
		{
			groups: []string{"mongodb.com"},
			kinds:  []string{"MongoDB", "MongoDBMultiCluster", "MongoDBOpsManager"},
			risk:   change.DataLoss,
			loses:  "the database goes, and its volumes are deleted or belong to nobody",
			source: "https://www.mongodb.com/docs/kubernetes/current/reference/",
		},
	}
}

func moreDatabases() []owning {
	return []owning{
		{
			groups: []string{"databases.spotahome.com"}, kinds: []string{"RedisFailover"}, risk: change.DataLoss,
			loses:  "the Redis goes, and its volumes are deleted with it unless it keeps them",
			source: "https://github.com/spotahome/redis-operator#persistence",
		},
		{
			groups: []string{"redis.redis.opstreelabs.in"},
			kinds:  []string{"Redis", "RedisCluster", "RedisReplication"},
			risk:   change.DataLoss,
			loses:  "the database goes, and its volumes are deleted or belong to nobody",
			source: "https://redis-operator.opstree.dev/docs/",
		},
		{
			groups: []string{"app.redislabs.com"},
			kinds:  []string{"RedisEnterpriseCluster", "RedisEnterpriseDatabase", "RedisEnterpriseActiveActiveDatabase"},
			risk:   change.DataLoss,
			loses:  "the database goes, and its volumes are deleted or belong to nobody",
			source: "https://redis.io/docs/latest/operate/kubernetes/re-clusters/delete_custom_resources/",
		},
		{
			groups: []string{"dragonflydb.io"}, kinds: []string{"Dragonfly"}, risk: change.DataLoss,
			loses:  "what it holds in memory goes with it",
			source: "https://www.dragonflydb.io/docs/managing-dragonfly/operator/installation",
		},
		{
			groups: []string{"k8s.mariadb.com", "mariadb.mmontes.io"}, kinds: []string{"MariaDB", "MaxScale"}, risk: change.DataLoss,
			loses:  "the database goes, and its volumes are deleted or belong to nobody",
			source: "https://github.com/mariadb-operator/mariadb-operator/blob/main/docs/storage.md",
		},
		{
			groups: []string{"k8s.mariadb.com", "mariadb.mmontes.io"}, kinds: []string{"Database", "User"}, risk: change.DataLoss,
			loses:  "the database, or the account, is dropped",
			source: "https://github.com/mariadb-operator/mariadb-operator/blob/main/docs/sql_resources.md",
			spares: says("Skip", "spec", "cleanupPolicy"),
		},
		{
			groups: []string{"mysql.oracle.com"}, kinds: []string{"InnoDBCluster"}, risk: change.DataLoss,
			loses:  "the database goes, and its volumes are deleted or belong to nobody",
			source: "https://dev.mysql.com/doc/mysql-operator/en/",
		},
		{
			groups: []string{"mysql.presslabs.org"}, kinds: []string{"MysqlCluster"}, risk: change.DataLoss,
			loses:  "the database goes, and its volumes are deleted or belong to nobody",
			source: "https://github.com/bitpoke/mysql-operator",
		},
		{
			groups: []string{"planetscale.com"}, kinds: []string{"VitessCluster"}, risk: change.DataLoss,
			loses:  "the database goes, and its volumes are deleted or belong to nobody",
			source: "https://github.com/planetscale/vitess-operator/blob/main/docs/api.md",
		},
	}
}

func tablesAndIndexes() []owning {
	return []owning{
		{
			groups: []string{"pingcap.com"}, kinds: []string{"TidbCluster"}, risk: change.DataLoss,
			loses:  "the database goes, and its volumes are deleted or belong to nobody",
			source: "https://docs.pingcap.com/tidb-in-kubernetes/stable/destroy-a-tidb-cluster",
		},
		{
			groups: []string{"crdb.cockroachlabs.com"}, kinds: []string{"CrdbCluster"}, risk: change.DataLoss,
			loses:  "the database goes, and its volumes are deleted or belong to nobody",
			source: "https://www.cockroachlabs.com/docs/stable/deploy-cockroachdb-with-kubernetes",
		},
		{
			groups: []string{"cassandra.datastax.com"}, kinds: []string{"CassandraDatacenter"}, risk: change.DataLoss,
			loses:  "the datacenter is decommissioned, and its volumes are deleted with it",
			source: "https://docs.k8ssandra.io/components/cass-operator/",
		},
		{
			groups: []string{"k8ssandra.io"}, kinds: []string{"K8ssandraCluster"}, risk: change.DataLoss,
			loses:  "its datacenters are deleted with their volumes",
			source: "https://docs.k8ssandra.io/components/k8ssandra-operator/",
		},
		{
			groups: []string{"scylla.scylladb.com"},
			kinds:  []string{"ScyllaCluster", "ScyllaDBCluster", "ScyllaDBDatacenter"},
			risk:   change.DataLoss,
			loses:  "the database goes, and its volumes are deleted or belong to nobody",
			source: "https://operator.docs.scylladb.com/",
		},
		{
			groups: []string{"clickhouse.altinity.com"}, kinds: []string{"ClickHouseInstallation"}, risk: change.DataLoss,
			loses:  "the database goes, and its volumes are deleted with it unless their template retains them",
			source: "https://github.com/Altinity/clickhouse-operator/blob/master/docs/storage.md",
		},
		{
			groups: []string{"clickhouse-keeper.altinity.com"}, kinds: []string{"ClickHouseKeeperInstallation"}, risk: change.DataLoss,
			loses:  "the coordination of its ClickHouse goes with it",
			source: "https://github.com/Altinity/clickhouse-operator/blob/master/docs/storage.md",
		},
		{
			groups: []string{"elasticsearch.k8s.elastic.co"}, kinds: []string{"Elasticsearch"}, risk: change.DataLoss,
			loses:  "the cluster goes, and its volumes are deleted with it unless volumeClaimDeletePolicy keeps them",
			source: "https://www.elastic.co/guide/en/cloud-on-k8s/current/k8s-volume-claim-templates.html",
		},
		{
			groups: []string{"kibana.k8s.elastic.co", "apm.k8s.elastic.co", "logstash.k8s.elastic.co", "maps.k8s.elastic.co"},
			kinds:  []string{"Kibana", "ApmServer", "Logstash", "ElasticMapsServer"},
			risk:   change.Outage,
			loses:  "its pods and its Service are deleted with it",
			source: "https://www.elastic.co/guide/en/cloud-on-k8s/current/k8s-orchestrating-elastic-stack-applications.html",
		},
	}
}

func queues() []owning {
	return []owning{
		{
			groups: []string{"opensearch.opster.io", "opensearch.org"}, kinds: []string{"OpenSearchCluster"}, risk: change.DataLoss,
			loses:  "the database goes, and its volumes are deleted or belong to nobody",
			source: "https://docs.opensearch.org/latest/install-and-configure/install-opensearch/operator/",
		},
		{
			groups: []string{"solr.apache.org"}, kinds: []string{"SolrCloud"}, risk: change.DataLoss,
			loses:  "the database goes, and its volumes are deleted or belong to nobody",
			source: "https://apache.github.io/solr-operator/docs/solr-cloud/solr-cloud-crd.html",
		},
		{
			groups: []string{"zookeeper.pravega.io"}, kinds: []string{"ZookeeperCluster"}, risk: change.DataLoss,
			loses:  "the database goes, and its volumes are deleted or belong to nobody",
			source: "https://github.com/pravega/zookeeper-operator#delete-the-cluster",
		},
		{
			groups: []string{"druid.gardener.cloud"}, kinds: []string{"Etcd"}, risk: change.DataLoss,
			loses:  "the database goes, and its volumes are deleted or belong to nobody",
			source: "https://gardener.github.io/etcd-druid/",
		},
		{
			groups: []string{"vault.banzaicloud.com"}, kinds: []string{"Vault"}, risk: change.DataLoss,
			loses:  "the database goes, and its volumes are deleted or belong to nobody",
			source: "https://bank-vaults.dev/docs/operator/",
		},
		{
			groups: []string{"kafka.strimzi.io"}, kinds: []string{"Kafka"}, risk: change.DataLoss,
			loses:  "the Kafka cluster goes, and its volumes are deleted or belong to nobody",
			source: "https://strimzi.io/docs/operators/latest/deploying",
		},
		{
			groups: []string{"kafka.strimzi.io"}, kinds: []string{"KafkaNodePool"}, risk: change.DataLoss,
			loses:  "its brokers go, and the partitions that only they have",
			source: "https://strimzi.io/docs/operators/latest/deploying#config-node-pools-str",
		},
		{
			groups: []string{"kafka.strimzi.io"}, kinds: []string{"KafkaTopic"}, risk: change.DataLoss,
			loses:  "the topic is deleted with all its messages",
			source: "https://strimzi.io/docs/operators/latest/deploying#using-the-topic-operator-str",
			spares: annotated("strimzi.io/managed", "false"),
		},
		{
			groups: []string{"kafka.strimzi.io"}, kinds: []string{"KafkaUser"}, risk: change.Outage,
			loses:  "the account is deleted, and the Secret with its credentials",
			source: "https://strimzi.io/docs/operators/latest/deploying#assembly-using-the-user-operator-str",
		},
	}
}
