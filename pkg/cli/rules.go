package cli

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/noise"
	"github.com/safe-diff/helm-safe-diff/pkg/report"
	"github.com/safe-diff/helm-safe-diff/pkg/risk"
)

const rulesHelp = `List the rules, those of the policy included, and the filters, which say what reports
hide. --class selects the rules of some classes, and leaves the filters out.`

// listed is what rules prints.
type listed struct {
	Rules   []listedRule   `json:"rules"`
	Filters []listedFilter `json:"filters"`
}

// listedRule is a rule. At is where the policy has it; "" for one of the program.
type listedRule struct {
	ID    string   `json:"id"`
	Class string   `json:"class"`
	Why   string   `json:"why"`
	Hint  string   `json:"hint"`
	Kinds []string `json:"kinds"`
	At    string   `json:"at,omitempty"`
}

type listedFilter struct {
	ID  string `json:"id"`
	Why string `json:"why"`
}

func (a *app) rulesCommand() *cobra.Command {
	var (
		flags   configFlags
		format  string
		classes []string
	)
	cmd := &cobra.Command{
		Use:     "rules",
		Short:   "List the rules, those of the policy included, and what reports hide",
		Long:    rulesHelp,
		Example: "  helm safe-diff rules --class rejected,data-loss\n  helm safe-diff rules --output json",
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, class := range classes {
				if !slices.Contains(classNames(), class) {
					return usage(cmd, fmt.Errorf("--class: there is no class %q: %s", class, strings.Join(classNames(), ", ")))
				}
			}
			list := a.listRules(classes)
			switch format {
			case "text":
				return a.writeText(list.text())
			case "json":
				var page bytes.Buffer
				if err := report.EncodeJSON(&page, list); err != nil {
					return fmt.Errorf("list rules: %w", err)
				}
				return a.write(page.Bytes())
			default:
				return usage(cmd, fmt.Errorf("--output: there is no format %q: text, json", format))
			}
		},
	}
	flags.addFileTo(cmd.Flags())
	cmd.Flags().StringVarP(&format, "output", "o", "text", "format: text, json")
	cmd.Flags().StringSliceVar(&classes, "class", nil, "only rules of these classes")
	onlyOnCommandLine(cmd.Flags(), "output")
	complete(cmd, "output", []string{"text", "json"})
	complete(cmd, "class", classNames())
	return cmd
}

func classNames() []string {
	names := make([]string, 0, len(change.Risks()))
	for _, class := range change.Risks() {
		names = append(names, string(class))
	}
	return names
}

// listRules returns the rules of some classes, or all rules and filters if none is named.
func (a *app) listRules(classes []string) listed {
	list := listed{Rules: []listedRule{}, Filters: []listedFilter{}}
	add := func(r listedRule) {
		if len(classes) == 0 || slices.Contains(classes, r.Class) {
			list.Rules = append(list.Rules, r)
		}
	}
	for _, r := range rulesByClass() {
		add(listedRule{ID: r.ID, Class: string(r.Risk), Why: r.Why, Hint: r.Fix, Kinds: slices.Concat([]string{}, r.Kinds)})
	}
	for _, o := range a.config.file.AllOwnRules() {
		add(listedRule{ID: o.ID, Class: string(o.Class), Why: o.Message, Hint: o.Hint, Kinds: []string{}, At: o.At})
	}
	if len(classes) == 0 {
		for _, f := range noise.Filters() {
			list.Filters = append(list.Filters, listedFilter{f.ID, f.Why})
		}
	}
	return list
}

func (l *listed) text() string {
	var b strings.Builder
	for _, r := range l.Rules {
		at := ""
		if r.At != "" {
			at = " (" + r.At + ")"
		}
		fmt.Fprintf(&b, "%-9s  %s%s\n           %s\n", r.Class, r.ID, at, r.Why)
	}
	for _, f := range l.Filters {
		fmt.Fprintf(&b, "hides      %s\n           %s\n", f.ID, f.Why)
	}
	return b.String()
}

// rulesByClass returns all rules, the worst class first, each class by name.
func rulesByClass() []rule.Rule {
	rules := risk.Rules()
	slices.SortFunc(rules, func(a, b rule.Rule) int {
		if c := a.Risk.Compare(b.Risk); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return rules
}

func (a *app) explainCommand() *cobra.Command {
	var flags configFlags
	cmd := &cobra.Command{
		Use:     "explain RULE",
		Short:   "Tell why a rule warns, what to do, and show an example",
		Example: "  helm safe-diff explain pod-restart",
		Args:    arguments("RULE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, f := range noise.Filters() {
				if f.ID == args[0] {
					return a.write([]byte(fmt.Sprintf("%s (a filter: it hides an edit)\n\nwhy:  %s\n", f.ID, f.Why)))
				}
			}
			if own := a.explainedOwn(args[0]); own != "" {
				return a.writeText(own)
			}
			r, err := risk.Find(args[0])
			if err != nil {
				return usage(cmd, err)
			}
			return a.write([]byte(explained(r)))
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			rules, filters := rulesByClass(), noise.Filters()
			ids := make([]string, 0, len(rules)+len(filters))
			for i := range rules {
				ids = append(ids, rules[i].ID+"\t"+string(rules[i].Risk))
			}
			for i := range filters {
				ids = append(ids, filters[i].ID+"\tfilter")
			}
			return ids, cobra.ShellCompDirectiveNoFileComp
		},
	}
	flags.addFileTo(cmd.Flags())
	return cmd
}

// explainedOwn is what there is to say of a rule of the team's own, which may be in
// the policy more than once, for some releases another; "" if there is none.
func (a *app) explainedOwn(id string) string {
	var parts []string
	for _, o := range a.config.file.AllOwnRules() {
		if o.ID != id {
			continue
		}
		text := fmt.Sprintf("%s (%s; %s)\n\nwhy:  %s\n", o.ID, o.Class, o.At, o.Message)
		if o.Hint != "" {
			text += fmt.Sprintf("hint: %s\n", o.Hint)
		}
		parts = append(parts, text+fmt.Sprintf("when: %s\n", o.When.Text))
	}
	return strings.Join(parts, "\n")
}

// explained is what there is to say of a rule.
func explained(r *rule.Rule) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s)\n\nwhy:  %s\nhint: %s\n", r.ID, r.Risk, r.Why, r.Fix)
	if r.Instead != "" {
		fmt.Fprintf(&b, "      in a rollback or an uninstall: %s\n", r.Instead)
	}
	if len(r.Kinds) > 0 {
		fmt.Fprintf(&b, "kind: %s\n", strings.Join(r.Kinds, ", "))
	}
	fmt.Fprintf(&b, "\nexample:\n\n%s", indented(risk.Example(r.ID)))
	return b.String()
}

func indented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) != "" {
			b.WriteString("  ")
		}
		b.WriteString(line)
	}
	return b.String()
}
