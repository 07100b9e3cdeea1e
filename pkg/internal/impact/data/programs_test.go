package data

import (
	"net/url"
	"testing"
)

// TestPrograms walks the table of programs that keep data.
func TestPrograms(t *testing.T) {
	const most = 25 // more than that nobody keeps true
	names := map[string]bool{}
	for _, p := range programs() {
		names[p.name] = true
		if page, err := url.Parse(p.source); err != nil || page.Scheme != "https" || page.Host == "" {
			t.Errorf("%s: %q is no page", p.name, p.source)
		}
		if len(p.images) == 0 || p.back < 1 || p.back > 3 {
			t.Errorf("%s: no image, or back is %d", p.name, p.back)
		}
		old, updated := release{1, 1, 1}, release{2, 2, 2}
		if p.unreadable(updated, old) == "" {
			t.Errorf("%s: it goes back", p.name)
		}
	}
	if len(names) > most {
		t.Errorf("%d programs", len(names))
	}
}

// TestUnreadable holds what is said of images.
func TestUnreadable(t *testing.T) {
	for _, c := range []struct{ old, updated, want string }{
		{"postgres:15.4", "postgres:16.1", "postgres 16 cannot read the data of 15 without pg_upgrade, or a dump"},
		{"postgres:16.4", "postgres:15.1", "postgres 15 cannot read what 16 has written: the vendor supports no way back"},
		{"postgres:16.4", "postgres:16.1", ""},
		{"postgres:9.5", "postgres:9.6", "postgres 9.6 cannot read the data of 9.5 without pg_upgrade, or a dump"},
		{"postgres:15-alpine", "registry.example.com:5000/mirror/library/postgres:16-alpine", "postgres 16 cannot read the data of 15 without pg_upgrade, or a dump"},
		{"docker.io/bitnami/postgresql:15.4.0-debian-11-r10", "docker.io/bitnami/postgresql:16.0.0-debian-11-r0", "postgres 16 cannot read the data of 15 without pg_upgrade, or a dump"},
		{"timescale/timescaledb:2.11.0-pg14", "timescale/timescaledb:2.12.0-pg15", "postgres 15 cannot read the data of 14 without pg_upgrade, or a dump"},
		{"sorintlab/stolon:v0.16.0-pg10", "sorintlab/stolon:v0.17.0-pg10", ""},
		{"sorintlab/stolon:v0.16.0-pg10", "sorintlab/stolon:v0.17.0-pg13", "postgres 13 cannot read the data of 10 without pg_upgrade, or a dump"},
		{"postgres@sha256:aa", "postgres@sha256:bb", ""},
		{"postgres:latest", "postgres:16", ""},
		{"postgres:15@sha256:aa", "postgres:16@sha256:bb", "postgres 16 cannot read the data of 15 without pg_upgrade, or a dump"},
		{"prom/postgres-exporter:0.15", "prom/postgres-exporter:0.12", ""},
		{"mysql:8.0.36", "mysql:8.4.0", ""},
		{"mysql:8.0.36", "mysql:9.1.0", "mysql 9.1 cannot read the data of 8.0 without an upgrade to each series between them"},
		{"mysql:8.4.2", "mysql:9.1.0", ""},
		{"mysql:5.6", "mysql:8.0", "mysql 8.0 cannot read the data of 5.6 without an upgrade to each series between them"},
		{"mysql:8.4", "mysql:8.0", "mysql 8.0 cannot read what 8.4 has written: the vendor supports no way back"},
		{"mariadb:10.6", "mariadb:11.4", ""},
		{"mariadb:11.4", "mariadb:10.6", "mariadb 10.6 cannot read what 11.4 has written: the vendor supports no way back"},
		{"mongo:5.0.9", "mongo:6.0.1", ""},
		{"mongo:4.4", "mongo:6.0", "mongo 6.0 cannot read the data of 4.4 without an upgrade to each series between them (featureCompatibilityVersion)"},
		{"elasticsearch:7.17.9", "elasticsearch:8.11.0", ""},
		{"elasticsearch:7.10.2", "elasticsearch:8.11.0", "elasticsearch 8.11.0 cannot read the data of 7.10.2 without an upgrade to 7.17"},
		{"elasticsearch:6.8.0", "elasticsearch:8.11.0", "elasticsearch 8.11.0 cannot read the data of 6.8.0 without an upgrade to each major version between them"},
		{"elasticsearch:8.11.1", "elasticsearch:8.11.0", "elasticsearch 8.11.0 cannot read what 8.11.1 has written: the vendor supports no way back"},
		{"quay.io/strimzi/kafka:0.38.0-kafka-3.6.0", "quay.io/strimzi/kafka:0.39.0-kafka-3.6.1", ""},
		{"wurstmeister/kafka:2.13-2.8.1", "apache/kafka:4.0.0", "kafka 4 cannot read the data of 2 without an upgrade to 3.9, and a migration to KRaft"},
		{"rabbitmq:3.12-management", "rabbitmq:3.13-management", ""},
		{"rabbitmq:3.12", "rabbitmq:4.1", "rabbitmq 4.1 cannot read the data of 3.12 without an upgrade to each version between them, with all feature flags enabled"},
		{"quay.io/coreos/etcd:v3.4.20", "quay.io/coreos/etcd:v3.6.0", "etcd 3.6 cannot read the data of 3.4 without an upgrade to each minor version between them"},
		{"influxdb:1.8", "influxdb:2.7", "influxdb 2 cannot read the data of 1 without influxd upgrade, or an export"},
		{"prom/prometheus:v2.50.0", "prom/prometheus:v2.45.0", ""},
		{"minio/minio:RELEASE.2022-01-01T00-00-00Z", "minio/minio:RELEASE.2024-01-01T00-00-00Z", "minio 2024.1.1 cannot read the data of 2022.1.1 without a migration of its file system backend"},
		{"redis:7.4.1", "redis:7.2.5", "redis 7.2 cannot read what 7.4 has written: the vendor supports no way back"},
		{"redis:7.2", "redis:8.0", ""},
	} {
		p, from := programOf(c.old)
		q, to := programOf(c.updated)
		got := ""
		if p != nil && q != nil && p.name == q.name {
			got = p.unreadable(from, to)
		}
		if got != c.want {
			t.Errorf("%s → %s: %q, want %q", c.old, c.updated, got, c.want)
		}
	}
}
