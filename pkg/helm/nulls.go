package helm

import (
	"context"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
)

// dropNulls takes the nulls out of the chart's own values if Helm 4 runs this
// program: it leaves them out of what the templates see, where Helm 3 keeps them.
// Only those that a chart has for a subchart stay, if the user sets values for that
// subchart, too (coalesceValues in helm.sh/helm/v4/pkg/chart/common/util).
func dropNulls(ctx context.Context, ch *chart.Chart, given map[string]any) {
	if anyNull(ch) && strings.HasPrefix(askCaller(ctx), "v4.") {
		dropNullsFrom(ch, given)
	}
}

func anyNull(ch *chart.Chart) bool {
	if hasNull(ch.Values) {
		return true
	}
	for _, d := range ch.Dependencies() {
		if anyNull(d) {
			return true
		}
	}
	return false
}

func hasNull(values map[string]any) bool {
	for _, value := range values {
		if inner, isMap := value.(map[string]any); value == nil || isMap && hasNull(inner) {
			return true
		}
	}
	return false
}

func dropNullsFrom(ch *chart.Chart, given map[string]any) {
	subcharts := map[string]bool{}
	for _, d := range ch.Dependencies() {
		inner, _ := given[d.Name()].(map[string]any)
		subcharts[d.Name()] = inner != nil
		dropNullsFrom(d, inner)
	}
	ch.Values = withoutNulls(ch.Values, subcharts)
}

// withoutNulls returns values without nulls, except below the names to keep.
func withoutNulls(values map[string]any, keep map[string]bool) map[string]any {
	rest := make(map[string]any, len(values))
	for name, value := range values {
		inner, isMap := value.(map[string]any)
		switch {
		case value == nil:
		case isMap && !keep[name]:
			rest[name] = withoutNulls(inner, nil)
		default:
			rest[name] = value
		}
	}
	return rest
}
