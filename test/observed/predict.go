package observed

import (
	"context"
	"errors"

	"github.com/google/go-cmp/cmp"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/live"
	"github.com/safe-diff/helm-safe-diff/pkg/safediff"
	"github.com/safe-diff/helm-safe-diff/test/agreement"
	"github.com/safe-diff/helm-safe-diff/test/cases"
)

// Predictions are what the program says of an upgrade beforehand.
type Predictions struct {
	// Offline is said with nothing but the manifests, and what the case knows of the
	// cluster; it does not count where somebody works behind Helm's back.
	Offline change.Set
	// Looked is said with a look at the cluster, and nothing else given.
	Looked change.Set
}

// Predict returns what the program says of a case, and a look at the cluster as it was
// recorded. The version of Kubernetes is a property of the process: calls must not run at
// the same time as others that judge for another.
func (s *Store) Predict(ctx context.Context, c *cases.Case, way Way) (p Predictions, err error) {
	if p.Offline, err = Offline(ctx, c, way); err != nil {
		return p, err
	}
	recorded := s.Clusters[ClusterKey(c, way)]
	if recorded == nil || s.Laboratory == nil {
		return p, errors.New("what was in the cluster is not recorded: measure the case again")
	}
	answers, err := s.Laboratory.newServer(recorded, !Alone(c))
	if err != nil {
		return p, err
	}
	reader, err := live.New(answers.config(), live.Options{Pause: 1})
	if err != nil {
		return p, err
	}
	opts := c.Options(way.ServerSide)
	opts.KubeVersion, opts.Cluster, opts.Look = Kubernetes, nil, reader.Read
	p.Looked, err = compare(ctx, c, opts)
	return p, errors.Join(err, answers.err())
}

// Offline returns what the program says of a case without a look at the cluster.
func Offline(ctx context.Context, c *cases.Case, way Way) (change.Set, error) {
	opts := c.Options(way.ServerSide)
	opts.KubeVersion = Kubernetes
	if !Alone(c) {
		opts.Cluster = append(opts.Cluster, safediff.Manifest{Name: "laboratory", Text: Furniture()})
	}
	return compare(ctx, c, opts)
}

func compare(ctx context.Context, c *cases.Case, opts safediff.Options) (change.Set, error) {
	return safediff.Compare(ctx, safediff.Manifest{Name: "old.yaml", Text: c.Old}, safediff.Manifest{Name: "new.yaml", Text: c.New}, opts)
}

// Differences lists where predictions did not come true, or something else is said after
// a look at the cluster than the case wants.
func (p *Predictions) Differences(c *cases.Case, way Way, happened *agreement.Upgrade) []string {
	var score agreement.Score
	if c.Drift == "" {
		score.Add(&p.Offline, happened)
	}
	score.Add(&p.Looked, happened)
	list := make([]string, 0, len(score.Differences))
	for _, d := range score.Differences {
		list = append(list, d.String())
	}
	for _, what := range Unsaid(c, way, &p.Looked) {
		list = append(list, "with a look at the cluster: "+what)
	}
	return list
}

// Unsaid lists where the case wants something else to be said after a look at the cluster
// than the program says.
func Unsaid(c *cases.Case, way Way, looked *change.Set) []string {
	said, told := c.WantedLive(way.ServerSide)
	list := cases.Missing(looked, told)
	if diff := cmp.Diff(said, cases.Said(looked)); said != "" && diff != "" {
		list = append(list, "the case says (-), the program says (+):\n"+diff)
	}
	return list
}

// Sum is what all predictions amount to, by the name of the way.
type Sum struct {
	Offline, Looked map[string]*agreement.Score
}

// Add counts the predictions of an upgrade.
func (s *Sum) Add(c *cases.Case, p *Predictions, happened *agreement.Upgrade) {
	if c.Drift == "" {
		score(&s.Offline, happened.Helm).Add(&p.Offline, happened)
	}
	score(&s.Looked, happened.Helm).Add(&p.Looked, happened)
}

func score(scores *map[string]*agreement.Score, way string) *agreement.Score {
	if *scores == nil {
		*scores = map[string]*agreement.Score{}
	}
	if (*scores)[way] == nil {
		(*scores)[way] = &agreement.Score{}
	}
	return (*scores)[way]
}

// Table returns the table of the README.
func (s *Sum) Table() string {
	offline, looked := make([]*agreement.Score, 0, len(Ways())), make([]*agreement.Score, 0, len(Ways()))
	for _, way := range Ways() {
		offline, looked = append(offline, score(&s.Offline, way.Name)), append(looked, score(&s.Looked, way.Name))
	}
	const between = "\nWith a look at the cluster and nothing else given, and somebody at work behind Helm's back in some:\n\n"
	return agreement.Markdown(true, offline...) + between + agreement.Markdown(false, looked...)
}
