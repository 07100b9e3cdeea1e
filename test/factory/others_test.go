package factory

import "testing"

// What is read from a diff of the text.
func TestReadings(t *testing.T) {
	one := func(text string) object {
		if text == "" {
			return nil
		}
		return read(text)[0]
	}
	const web = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 1, template: {spec: {containers: [{name: a, image: a}]}}}\n"
	const more = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 2, template: {spec: {containers: [{name: a, image: a}]}}}\n"
	const other = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 1, template: {spec: {containers: [{name: a, image: b}]}}}\n"
	const labels = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, labels: {a: b}}\nspec: {replicas: 1, template: {spec: {containers: [{name: a, image: a}]}}}\n"
	for _, c := range []struct {
		name, was, is  string
		rule, helmDiff guess
	}{
		{"nothing", web, web, guess{verdict: "unchanged"}, guess{verdict: "unchanged"}},
		{"another image", web, other, guess{"modified", true}, guess{"modified", true}},
		{"more pods", web, more, guess{"modified", true}, guess{"modified", false}},
		{"labels", web, labels, guess{"modified", false}, guess{"modified", false}},
		{"comes", "", web, guess{verdict: "created"}, guess{verdict: "created"}},
		{"goes", web, "", guess{verdict: "deleted"}, guess{verdict: "deleted"}},
	} {
		if got := textual(one(c.was), one(c.is)); got != c.rule {
			t.Errorf("%s: the rule says %+v", c.name, got)
		}
		if got := helmDiff(one(c.was), one(c.is)); got != c.helmDiff {
			t.Errorf("%s: helm-diff says %+v", c.name, got)
		}
	}
}
