package data

import (
	"fmt"
	"slices"
)

// programs lists programs that keep data in volumes, and what their vendors say of versions.
// What a vendor does not say is left out: such a change is not told.
func programs() []program {
	return slices.Concat(relational(), documents(), searches(), queuesAndKeys(), series())
}

func relational() []program {
	const postgres = "https://www.postgresql.org/docs/current/upgrading.html"
	dump := func(from, to release) string {
		if from[0] != to[0] || from[0] < 10 && from[1] != to[1] {
			return "pg_upgrade, or a dump"
		}
		return ""
	}
	return []program{
		{
			name: "postgres", images: []string{"postgres", "postgresql", "postgresql-repmgr", "postgis"},
			back: 1, forward: dump, source: postgres,
		},
		{
			name: "postgres", images: []string{"timescaledb", "timescaledb-ha", "pgvector", "pgvecto-rs", "stolon"}, read: after("pg"),
			back: 1, forward: dump, source: postgres,
		},
		{
			name: "mysql", images: []string{"mysql", "mysql-server", "percona-server", "percona-xtradb-cluster"}, back: 2,
			source: "https://dev.mysql.com/doc/refman/8.4/en/upgrade-paths.html",
			forward: func(from, to release) string {
				if between([]release{{5, 5}, {5, 6}, {5, 7}, {8, 0}, {8, 4}, {9, 0}}, from, to) > 1 {
					return "an upgrade to each series between them"
				}
				return ""
			},
		},
		{
			name: "mariadb", images: []string{"mariadb", "mariadb-galera"}, back: 2,
			source: "https://mariadb.com/kb/en/downgrading-between-major-versions-of-mariadb/",
		},
		{
			name: "SQL Server", images: []string{"mssql/server", "mssql-server-linux"}, back: 1,
			source: "https://learn.microsoft.com/en-us/sql/database-engine/install-windows/supported-version-and-edition-upgrades-2022",
		},
		{
			name: "CockroachDB", images: []string{"cockroach", "cockroachdb"}, back: 2,
			source: "https://www.cockroachlabs.com/docs/stable/upgrade-cockroach-version",
		},
	}
}

func documents() []program {
	return []program{
		{
			name: "mongo", images: []string{"mongo", "mongodb", "mongodb-community-server", "mongodb-enterprise-server", "percona-server-mongodb"}, back: 2,
			source: "https://www.mongodb.com/docs/manual/release-notes/7.0-upgrade-standalone/",
			forward: func(from, to release) string {
				if between([]release{{3, 4}, {3, 6}, {4, 0}, {4, 2}, {4, 4}, {5, 0}, {6, 0}, {7, 0}, {8, 0}}, from, to) > 1 {
					return "an upgrade to each series between them (featureCompatibilityVersion)"
				}
				return ""
			},
		},
		{
			name: "cassandra", images: []string{"cassandra"}, back: 2,
			source: "https://github.com/apache/cassandra/blob/trunk/NEWS.txt",
			forward: func(from, to release) string {
				if skips(from, to) {
					return "an upgrade to each major version between them"
				}
				return ""
			},
		},
		{
			name: "neo4j", images: []string{"neo4j"}, back: 2,
			source: "https://neo4j.com/docs/upgrade-migration-guide/current/",
			forward: func(from, to release) string {
				if from[0] < 5 && to[0] > from[0] {
					return "neo4j-admin database migrate"
				}
				return ""
			},
		},
		{
			name: "meilisearch", images: []string{"meilisearch"}, back: 2,
			source: "https://www.meilisearch.com/docs/learn/update_and_migration/updating",
			forward: func(from, to release) string {
				if from.before(release{1, 12}, 2) && from.before(to, 2) {
					return "a dump"
				}
				return ""
			},
		},
	}
}

func searches() []program {
	return []program{
		{
			name: "elasticsearch", images: []string{"elasticsearch", "elasticsearch-oss"}, back: 3,
			source: "https://www.elastic.co/docs/deploy-manage/upgrade",
			forward: func(from, to release) string {
				last := map[int]int{5: 6, 6: 8, 7: 17, 8: 18} // a node goes on from the last minor version only
				switch minor, known := last[from[0]]; {
				case skips(from, to):
					return "an upgrade to each major version between them"
				case known && to[0] > from[0] && from[1] < minor:
					return fmt.Sprintf("an upgrade to %d.%d", from[0], minor)
				default:
					return ""
				}
			},
		},
		{
			name: "opensearch", images: []string{"opensearch"}, back: 2,
			source: "https://docs.opensearch.org/latest/migrate-or-upgrade/",
			forward: func(from, to release) string {
				if skips(from, to) {
					return "an upgrade to each major version between them"
				}
				return ""
			},
		},
		{
			name: "solr", images: []string{"solr"}, back: 1,
			source: "https://solr.apache.org/guide/solr/latest/upgrade-notes/solr-upgrade-notes.html",
			forward: func(from, to release) string {
				if skips(from, to) {
					return "a new index"
				}
				return ""
			},
		},
		{
			name: "clickhouse", images: []string{"clickhouse", "clickhouse-server"}, back: 2,
			source: "https://clickhouse.com/docs/operations/update",
		},
	}
}

func queuesAndKeys() []program {
	return []program{
		{
			name: "redis", images: []string{"redis", "redis-cluster", "redis-stack-server"}, back: 2,
			source: "https://redis.io/docs/latest/operate/oss_and_stack/install/upgrade/",
		},
		{
			name: "valkey", images: []string{"valkey", "valkey-cluster"}, back: 1,
			source: "https://valkey.io/topics/migration/",
		},
		{
			name: "kafka", images: []string{"kafka"}, read: kafkaVersion, back: 1,
			source: "https://kafka.apache.org/documentation/#upgrade",
			forward: func(from, to release) string {
				if to[0] > 3 && from.before(release{3, 3}, 2) {
					return "an upgrade to 3.9, and a migration to KRaft"
				}
				return ""
			},
		},
		{
			name: "rabbitmq", images: []string{"rabbitmq"}, back: 2,
			source: "https://www.rabbitmq.com/docs/upgrade",
			forward: func(from, to release) string {
				steps := []release{{3, 11}, {3, 12}, {3, 13}, {4, 0}}
				if from.before(release{3, 11}, 2) && !to.before(release{3, 12}, 2) || between(steps, from, to) > 1 {
					return "an upgrade to each version between them, with all feature flags enabled"
				}
				return ""
			},
		},
		{
			name: "etcd", images: []string{"etcd"}, back: 2,
			source: "https://etcd.io/docs/v3.6/upgrades/",
			forward: func(from, to release) string {
				if from[0] == to[0] && to[1]-from[1] > 1 {
					return "an upgrade to each minor version between them"
				}
				return ""
			},
		},
		{name: "consul", images: []string{"consul", "consul-enterprise"}, back: 2, source: "https://developer.hashicorp.com/consul/docs/upgrade"},
		{name: "vault", images: []string{"vault", "vault-enterprise"}, back: 2, source: "https://developer.hashicorp.com/vault/docs/upgrade"},
	}
}

func series() []program {
	return []program{
		{
			name: "influxdb", images: []string{"influxdb"}, back: 1,
			source: "https://docs.influxdata.com/influxdb/v2/install/upgrade/v1-to-v2/",
			forward: func(from, to release) string {
				if to[0] > from[0] {
					return "influxd upgrade, or an export"
				}
				return ""
			},
		},
		{
			name: "prometheus", images: []string{"prometheus"}, back: 1,
			source: "https://prometheus.io/docs/prometheus/latest/migration/",
			forward: func(from, to release) string {
				if from[0] == 1 && to[0] > 1 {
					return "a new storage: it keeps the old one beside it to read from"
				}
				return ""
			},
		},
		{
			name: "minio", images: []string{"minio"}, read: date, back: 3,
			source: "https://min.io/docs/minio/linux/operations/install-deploy-manage/migrate-fs-gateway.html",
			forward: func(from, to release) string {
				if from.before(release{2022, 6, 2}, 3) && !to.before(release{2022, 10, 29}, 3) {
					return "a migration of its file system backend"
				}
				return ""
			},
		},
	}
}
