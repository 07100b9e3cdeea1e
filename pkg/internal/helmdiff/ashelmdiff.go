package helmdiff

import (
	"fmt"
	"io"
	"reflect"
	"strings"
	"text/template"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/document"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/reporting"
	"github.com/safe-diff/helm-safe-diff/pkg/safetext"
)

// listed is a changed object as helm-diff's templates see it: ReportTemplateSpec in its
// diff/report.go, with the names from helm-diff's JSON.
type listed struct {
	API       string `json:"api"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Change    string `json:"change"`
}

func listOf(set *change.Set, opt reporting.Options) ([]listed, error) {
	entries, err := entriesOf(set, opt)
	list := make([]listed, len(entries))
	for i, e := range entries {
		list[i] = listed{safetext.Text(e.api), safetext.Text(e.kind), safetext.Text(e.namespace), safetext.Text(e.name), [...]string{"MODIFY", "REMOVE", "ADD"}[e.place()]}
	}
	return list, err
}

// WriteSimple prints a line for each changed object, as helm-diff prints it.
func WriteSimple(w io.Writer, set *change.Set, opt reporting.Options) error {
	entries, err := entriesOf(set, opt)
	if err != nil {
		return err
	}
	paint := reporting.StylesFor(opt.Color)
	var page strings.Builder
	var counts [3]int
	for i := range entries {
		place := entries[i].place()
		style := [...]reporting.Style{paint.Warn, paint.Bad, paint.Good}[place]
		fmt.Fprintln(&page, style(entries[i].key+[...]string{" to be changed.", " to be removed.", " to be added."}[place]))
		counts[place]++
	}
	fmt.Fprintf(&page, "Plan: %d to add, %d to change, %d to destroy.\n", counts[2], counts[0], counts[1])
	_, err = io.WriteString(w, safetext.WithoutCommands(page.String()))
	return err
}

// WriteList prints helm-diff's list of changed objects.
func WriteList(w io.Writer, set *change.Set, opt reporting.Options) error {
	list, err := listOf(set, opt)
	if err != nil {
		return err
	}
	return document.EncodeJSON(w, list)
}

// ParseTemplate reads a template that was written for helm-diff. The template
// gets the list of changed objects, and has the function "last".
func ParseTemplate(name, text string) (*template.Template, error) {
	last := func(i int, list any) (bool, error) {
		v := reflect.ValueOf(list)
		if kind := v.Kind(); kind != reflect.Slice && kind != reflect.Array {
			return false, fmt.Errorf("last: %T is no list", list)
		}
		return i == v.Len()-1, nil
	}
	return template.New(name).Funcs(template.FuncMap{"last": last}).Parse(text)
}

// WriteListTemplate executes the user's template. Without one, it writes the JSON list, as
// helm-diff does.
func WriteListTemplate(w io.Writer, set *change.Set, opt reporting.Options) error {
	if opt.Template == nil {
		return WriteList(w, set, opt)
	}
	list, err := listOf(set, opt)
	if err != nil {
		return err
	}
	var page strings.Builder
	if err := opt.Template.Execute(&page, list); err != nil {
		return err
	}
	_, err = io.WriteString(w, page.String()+"\n")
	return err
}
