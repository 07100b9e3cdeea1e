package change

// Judged is one of several releases that are judged together.
type Judged struct {
	// File is the file that requests the release.
	File string
	// Release is its name and namespace, if there is no Set that has them.
	Release Place
	// Set is nil if the release could not be judged; Failure is then set.
	Set     *Set
	Failure *Failure
	// FailOn is what makes this release fail the run.
	FailOn FailOn
	// Moved is why the upgrade is not the one that was planned, one clause; "" if it is.
	Moved string
}

// Verdict judges the release. A release that differs from its plan is at least risky.
func (j *Judged) Verdict() Verdict {
	verdict := j.Set.Verdict(j.FailOn)
	if j.Moved != "" && verdict.Compare(Risky) > 0 {
		return Risky
	}
	return verdict
}

// Telling reports whether there is more to say about the release than what changes.
func (j *Judged) Telling() bool {
	sum := j.Set.Summary()
	return j.Moved != "" || len(sum.Risks)+len(j.Set.Unchecked)+len(j.Set.Drift) > 0
}

// Name returns the namespace and the name of the release.
func (j *Judged) Name() string {
	at := j.Release
	if j.Set != nil {
		at = Place{Namespace: j.Set.Release.Namespace, Name: j.Set.Release.Name}
	}
	if at.Namespace == "" {
		return at.Name
	}
	return at.Namespace + "/" + at.Name
}
