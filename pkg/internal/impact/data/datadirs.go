package data

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/upgrade"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// dataDirectory is a variable, or an argument, that tells a program where it keeps its data.
type dataDirectory struct {
	name string
	// otherwise is where they are if nothing is said, with the images of which that is known.
	otherwise string
	images    []string
	source    string
}

func dataDirectories() []dataDirectory {
	return []dataDirectory{
		{name: "PGDATA", otherwise: "/var/lib/postgresql/data", images: []string{"postgres", "postgis"}, source: "https://hub.docker.com/_/postgres"},
		{name: "POSTGRESQL_DATA_DIR", source: "https://github.com/bitnami/containers/tree/main/bitnami/postgresql"},
		{name: "ETCD_DATA_DIR", source: "https://etcd.io/docs/v3.6/op-guide/configuration/"},
		{name: "KAFKA_LOG_DIRS", source: "https://kafka.apache.org/documentation/#brokerconfigs_log.dirs"},
		{name: "KAFKA_CFG_LOG_DIRS", source: "https://kafka.apache.org/documentation/#brokerconfigs_log.dirs"},
		{name: "RABBITMQ_MNESIA_DIR", source: "https://www.rabbitmq.com/docs/relocate"},
		{name: "GF_PATHS_DATA", source: "https://grafana.com/docs/grafana/latest/setup-grafana/configure-docker/"},
		{name: "--data-dir", source: "https://etcd.io/docs/v3.6/op-guide/configuration/"},
		{name: "--datadir", source: "https://dev.mysql.com/doc/refman/8.4/en/server-system-variables.html#sysvar_datadir"},
		{name: "--dbpath", source: "https://www.mongodb.com/docs/manual/reference/program/mongod/"},
		{name: "--storage.tsdb.path", source: "https://prometheus.io/docs/prometheus/latest/storage/"},
	}
}

// movedDirectories tells of programs that keep their data elsewhere in their volumes, or outside
// of them, from this upgrade on.
func movedDirectories(u *upgrade.Upgrade) []rule.Found {
	var found []rule.Found
	for i := range u.Objects {
		o := &u.Objects[i]
		if !o.Does(change.Update) || o.Old == nil || o.Hook != nil || o.Change.Outcome.PodSpec == nil || upgrade.Ends(o.Ref()) {
			continue
		}
		told := rule.Edits(o.Change, "env", "args", "command")
		if len(told) == 0 {
			continue
		}
		before, after := volumesOf(u, o.Old), volumesOf(u, o.New)
		if before == nil || after == nil {
			continue
		}
		for k := range before.containers {
			c := &before.containers[k]
			if now := after.counterpart(c, len(before.containers)); now != nil {
				for _, f := range movedIn(o, c, now, containerOf(u, o.Old, c.name), containerOf(u, o.New, now.name)) {
					f.Paths = told
					found = append(found, f)
				}
			}
		}
	}
	return found
}

// movedIn tells of the directories of one container.
func movedIn(o *upgrade.Object, c, now *containerMounts, was, is map[string]any) []rule.Found {
	var found []rule.Found
	for _, d := range dataDirectories() {
		from, to := d.in(was), d.in(is)
		if from == "" || to == "" || from == to {
			continue
		}
		volume, place := c.at(from)
		if volume == nil || !volume.lasts {
			continue
		}
		if other, there := now.at(to); other != nil && other.id == volume.id && there == place {
			continue
		}
		found = append(found, rule.Found{
			On: o, Message: fmt.Sprintf("container %q: %s changes from %s, which is in %s, to %s", c.name, d.name, from, volume.name, to),
			Evidence: []change.Evidence{{What: "data directory", Objects: []manifest.Ref{o.Ref()}, Names: []string{c.name, d.name, from, to}}},
		})
	}
	return found
}

// containerOf returns a container of the pods of an object; nil if there is none of the name.
func containerOf(u *upgrade.Upgrade, o *manifest.Object, name string) map[string]any {
	template := u.Template(o)
	for _, list := range []string{"containers", "initContainers"} {
		for _, c := range untyped.Maps(template, "spec", list) {
			if untyped.Text(c, "name") == name {
				return c
			}
		}
	}
	return nil
}

// in returns where a container keeps its data; "" if that is not known.
func (d *dataDirectory) in(container map[string]any) string {
	if strings.HasPrefix(d.name, "-") {
		words := slices.Concat(untyped.Texts(untyped.At(container, "command")), untyped.Texts(untyped.At(container, "args")))
		for i, word := range words {
			if value, joined := strings.CutPrefix(word, d.name+"="); joined {
				return path.Clean("/" + value)
			}
			if word == d.name && i+1 < len(words) {
				return path.Clean("/" + words[i+1])
			}
		}
		return ""
	}
	for _, v := range untyped.Maps(container, "env") {
		if untyped.Text(v, "name") == d.name {
			if value := untyped.Text(v, "value"); value != "" && !strings.Contains(value, "$") {
				return path.Clean("/" + value)
			}
			return ""
		}
	}
	if slices.Contains(d.images, upgrade.ImageName(untyped.Text(container, "image"))) {
		return d.otherwise
	}
	return ""
}

// at returns the volume that holds a path in a container, and where in the volume it is; nil if no
// volume is mounted there.
func (c *containerMounts) at(file string) (v *volume, place string) {
	longest := -1
	for i := range c.mounts {
		m := &c.mounts[i]
		rest, below := strings.CutPrefix(file+"/", strings.TrimSuffix(m.path, "/")+"/")
		if below && len(m.path) > longest {
			v, place, longest = &m.volume, strings.Trim(m.subPath+"/"+rest, "/"), len(m.path)
		}
	}
	return v, place
}
