package data

import "fmt"

// successor is a program that is put in the place of another one, and does not read the data of
// that without a step.
type successor struct {
	from, to string
	// since is the first version of the one whose data are not read.
	since release
	step  string
	// source is the page of the project that says so.
	source string
}

func successors() []successor {
	const dump = "a dump"
	return []successor{
		{from: "mysql", to: "mariadb", since: release{8, 0}, step: dump, source: "https://mariadb.com/kb/en/upgrading-from-mysql-to-mariadb/"},
		{from: "mariadb", to: "mysql", step: dump, source: "https://mariadb.com/kb/en/incompatibilities-and-feature-differences-between-mariadb-and-mysql-unmaint/"},
		{from: "redis", to: "valkey", since: release{7, 4}, step: "a replica, or an export of each key", source: "https://valkey.io/topics/migration/"},
		{from: "elasticsearch", to: "opensearch", since: release{7, 11}, step: "a new index of all documents", source: "https://docs.opensearch.org/latest/migrate-or-upgrade/"},
		{from: "opensearch", to: "elasticsearch", step: "a new index of all documents", source: "https://www.elastic.co/docs/manage-data/migrate"},
	}
}

// unreadableBy says in one clause why a program cannot read what another version of it, or another
// program, has written, and where that is said; "" if it can, or if nothing is known.
func (p *program) unreadableBy(from release, q *program, to release) (says, source string) {
	if p.name == q.name {
		return p.unreadable(from, to), p.source
	}
	for _, s := range successors() {
		if s.from == p.name && s.to == q.name && !from.before(s.since, len(from)) {
			return fmt.Sprintf("%s %s cannot read the data of %s %s without %s", q.name, q.called(to), p.name, p.called(from), s.step), s.source
		}
	}
	return "", ""
}
