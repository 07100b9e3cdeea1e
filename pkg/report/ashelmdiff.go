package report

import (
	"fmt"
	"io"
	"reflect"
	"strings"
	"text/template"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
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

func listOf(set *change.Set, opt Options) ([]listed, error) {
	entries, err := entriesOf(set, opt)
	list := make([]listed, len(entries))
	for i, e := range entries {
		list[i] = listed{safetext.Text(e.api), safetext.Text(e.kind), safetext.Text(e.namespace), safetext.Text(e.name), [...]string{"MODIFY", "REMOVE", "ADD"}[e.place()]}
	}
	return list, err
}

func writeSimple(w io.Writer, set *change.Set, opt Options) error {
	entries, err := entriesOf(set, opt)
	if err != nil {
		return err
	}
	paint := stylesFor(opt.Color)
	var page strings.Builder
	var counts [3]int
	for i := range entries {
		place := entries[i].place()
		style := [...]style{paint.warn, paint.bad, paint.good}[place]
		fmt.Fprintln(&page, style(entries[i].key+[...]string{" to be changed.", " to be removed.", " to be added."}[place]))
		counts[place]++
	}
	fmt.Fprintf(&page, "Plan: %d to add, %d to change, %d to destroy.\n", counts[2], counts[0], counts[1])
	_, err = io.WriteString(w, safetext.WithoutCommands(page.String()))
	return err
}

func writeList(w io.Writer, set *change.Set, opt Options) error {
	list, err := listOf(set, opt)
	if err != nil {
		return err
	}
	return encodeJSON(w, list)
}

// parseListTemplate reads a template that was written for helm-diff. The template
// gets the list of changed objects, and has the function "last".
func parseListTemplate(name, text string) (*template.Template, error) {
	last := func(i int, list any) (bool, error) {
		v := reflect.ValueOf(list)
		if kind := v.Kind(); kind != reflect.Slice && kind != reflect.Array {
			return false, fmt.Errorf("last: %T is no list", list)
		}
		return i == v.Len()-1, nil
	}
	return template.New(name).Funcs(template.FuncMap{"last": last}).Parse(text)
}

// writeListTemplate executes the user's template. Without one, it writes the JSON list, as
// helm-diff does.
func writeListTemplate(w io.Writer, set *change.Set, opt Options) error {
	if opt.Template == nil {
		return writeList(w, set, opt)
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
