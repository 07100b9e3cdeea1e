package selectors

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	operator "k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/util/sets"
)

// Empty reports whether a selector asks for nothing.
func Empty(s *metav1.LabelSelector) bool {
	return s == nil || len(s.MatchLabels) == 0 && len(s.MatchExpressions) == 0
}

// Covers reports whether a selects all that b selects: what it asks of a label follows
// from what b asks of it, in whichever words.
func Covers(a, b *metav1.LabelSelector) bool {
	if Empty(a) {
		return true
	}
	outer, err1 := metav1.LabelSelectorAsSelector(a)
	inner, err2 := metav1.LabelSelectorAsSelector(b)
	if err1 != nil || err2 != nil || Empty(b) {
		return false
	}
	asked, _ := outer.Requirements()
	asks, _ := inner.Requirements()
	return !slices.ContainsFunc(asked, func(r labels.Requirement) bool { return !valuesFor(asks, r.Key()).fit(r) })
}

// labelValues are the values of a label that a selector lets through.
type labelValues struct {
	// set says that the label must be there, absent that it must not be.
	set, absent bool
	// in are the only values, nil for any; out are those which it must not have.
	in, out sets.Set[string]
}

// valuesFor reads what requirements ask of one label.
func valuesFor(list labels.Requirements, key string) labelValues {
	v := labelValues{out: sets.New[string]()}
	for _, r := range list {
		if r.Key() != key {
			continue
		}
		switch values := sets.New(r.Values().UnsortedList()...); r.Operator() {
		case operator.Exists:
			v.set = true
		case operator.DoesNotExist:
			v.absent = true
		case operator.NotIn, operator.NotEquals:
			v.out = v.out.Union(values)
		case operator.In, operator.Equals, operator.DoubleEquals:
			if v.set = true; v.in != nil {
				values = v.in.Intersection(values)
			}
			v.in = values
		default: // a LabelSelector has no other
		}
	}
	if v.in != nil {
		v.in = v.in.Difference(v.out)
	}
	return v
}

// fit reports whether all these values fulfil a requirement. NotIn holds for what does not have
// the label, too (Requirement.Matches in k8s.io/apimachinery/pkg/labels).
func (v labelValues) fit(r labels.Requirement) bool {
	values := sets.New(r.Values().UnsortedList()...)
	switch r.Operator() {
	case operator.Exists:
		return v.set
	case operator.DoesNotExist:
		return v.absent
	case operator.NotIn, operator.NotEquals:
		return v.absent || v.in != nil && v.in.Intersection(values).Len() == 0 || v.out.IsSuperset(values)
	case operator.In, operator.Equals, operator.DoubleEquals:
		return v.in != nil && values.IsSuperset(v.in)
	default:
		return false
	}
}
