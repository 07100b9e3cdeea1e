package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/safe-diff/helm-safe-diff/pkg/internal/rule"
	"github.com/safe-diff/helm-safe-diff/pkg/noise"
	"github.com/safe-diff/helm-safe-diff/pkg/risk"
)

func (a *app) rulesCommand() *cobra.Command {
	var flags configFlags
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "List the rules, those of the policy included, and what reports hide",
		Args:  arguments(),
		RunE: func(*cobra.Command, []string) error {
			var b strings.Builder
			for _, r := range rulesByClass() {
				fmt.Fprintf(&b, "%-9s  %s\n           %s\n", r.Risk, r.ID, r.Why)
			}
			for _, o := range a.config.file.AllOwnRules() {
				fmt.Fprintf(&b, "%-9s  %s (%s)\n           %s\n", o.Class, o.ID, o.At, o.Message)
			}
			for _, f := range noise.Filters() {
				fmt.Fprintf(&b, "hides      %s\n           %s\n", f.ID, f.Why)
			}
			return a.writeText(b.String())
		},
	}
	flags.addFileTo(cmd.Flags())
	return cmd
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
