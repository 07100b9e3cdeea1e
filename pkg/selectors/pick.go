package selectors

import "github.com/safe-diff/helm-safe-diff/pkg/manifest"

// Pick is how one object selects those of one kind.
type Pick struct{ side *side }

// PickOf reads how an object selects, where its kind has but one selector, and returns
// it with the kind that it looks at, as kubectl writes it. Without a selector, or an
// object, it picks nothing; of another kind, looks is "".
func PickOf(o *manifest.Object) (pick Pick, looks string) {
	if o == nil {
		return pick, ""
	}
	var fitting []row
	for _, r := range rows() {
		if r.kind == o.Ref.GroupKind() {
			fitting = append(fitting, r)
		}
	}
	if len(fitting) != 1 {
		return pick, ""
	}
	for _, s := range fitting[0].sides(o) {
		pick.side = s
	}
	return pick, fitting[0].looks
}

// Selects reports whether an object with these labels is picked.
func (p Pick) Selects(ref manifest.Ref, labels map[string]string) bool {
	return p.side != nil && p.side.selects(ref, labels)
}
