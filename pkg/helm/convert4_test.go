package helm

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"helm.sh/helm/v3/pkg/chart"
	chart4 "helm.sh/helm/v4/pkg/chart/v2"
)

// A chart is the same after both ways, whatever fields one of the two Helms may get.
func TestChartsAreConvertedWhole(t *testing.T) {
	whole := new(chart4.Chart)
	n := 0
	fillIn(reflect.ValueOf(whole).Elem(), &n)
	inner := new(chart4.Chart)
	fillIn(reflect.ValueOf(inner).Elem(), &n)
	whole.AddDependency(inner)
	// Helm 3 knows no times of files, and templates see none.
	times := cmp.FilterPath(func(p cmp.Path) bool {
		name := p.Last().String()
		return name == ".ModTime" || name == ".SchemaModTime"
	}, cmp.Ignore())
	there := chartOf3(whole)
	if diff := cmp.Diff(whole, chartOf4(there), times, cmpopts.IgnoreUnexported(chart4.Chart{})); diff != "" {
		t.Errorf("Helm 4 to 3 and back (-before +after):\n%s", diff)
	}
	if n := len(chartOf4(there).Dependencies()); n != 1 {
		t.Errorf("%d subcharts, want 1", n)
	}
	old := new(chart.Chart)
	fillIn(reflect.ValueOf(old).Elem(), &n)
	if diff := cmp.Diff(old, chartOf3(chartOf4(old)), cmpopts.IgnoreUnexported(chart.Chart{})); diff != "" {
		t.Errorf("Helm 3 to 4 and back (-before +after):\n%s", diff)
	}
}

// fillIn gives every exported field a value of its own.
func fillIn(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.String:
		v.SetString(string(rune('a' + *n%26)))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8:
		v.SetUint(uint64(*n % 200))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillIn(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fillIn(v.Index(0), n)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		item := reflect.New(v.Type().Elem()).Elem()
		fillIn(item, n)
		v.SetMapIndex(reflect.ValueOf("key"), item)
	case reflect.Interface:
		v.Set(reflect.ValueOf("any"))
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(int64(*n), 0)))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fillIn(v.Field(i), n)
			}
		}
	default: // charts have no fields of other kinds
	}
}
