// Package remedy reads the steps out of what a rule advises, to take them in the laboratory.
package remedy

import (
	"regexp"
	"slices"
	"strings"
)

// Steps are what a hint says to do, in this order.
type Steps struct {
	// Before and After are commands for a shell, before and after the upgrade.
	Before, After []string
	// Flags are given to "helm upgrade".
	Flags []string
}

// None reports whether a hint has no step: it is advice.
func (s *Steps) None() bool { return len(s.Before)+len(s.After)+len(s.Flags) == 0 }

var (
	// begins is where a step begins.
	begins = regexp.MustCompile(`\b(?:kubectl|helm) [a-z]|--[a-z]+|\b(?:then|after the) upgrade\b`)
	// looks are commands that change nothing, and those of this program.
	looks = regexp.MustCompile(`^(?:kubectl (?:get|describe|explain) |helm safe-diff |helm rollback$)`)
	// idea is what stands before a step that was not taken in the laboratory.
	idea = regexp.MustCompile(`\btry:? $`)
)

// Read reads the steps in a hint: commands, flags outside of commands, and when the upgrade is
// made, which is last unless the hint says so. What follows the word "try" is an idea, and no step.
func Read(hint string) Steps {
	var s Steps
	into := &s.Before
	for rest := hint; ; {
		at := begins.FindStringIndex(rest)
		if at == nil {
			return s
		}
		before, found := rest[:at[0]], rest[at[0]:at[1]]
		step := found
		if !strings.HasSuffix(found, "upgrade") && !strings.HasPrefix(found, "--") {
			step = command(rest[at[0]:])
		}
		rest = rest[at[0]+len(step):]
		switch {
		case strings.HasSuffix(found, "upgrade"):
			into = &s.After
		case idea.MatchString(before), looks.MatchString(step):
		case strings.HasPrefix(found, "--"):
			flag := step + word(rest)
			if !slices.Contains(s.Flags, flag) {
				s.Flags = append(s.Flags, flag)
			}
		default:
			*into = append(*into, step)
		}
	}
}

// command returns the command at the start of a text: it ends where the sentence goes on, outside of
// quotes.
func command(text string) string {
	var quoted rune
	for i, c := range text {
		switch {
		case quoted != 0:
			if c == quoted {
				quoted = 0
			}
		case c == '\'' || c == '"':
			quoted = c
		case c == '(' && strings.HasSuffix(text[:i], "$"):
			quoted = ')'
		case c == ';' || c == ')' || c == '`' || c == ',' && strings.HasPrefix(text[i+1:]+" ", " "):
			return text[:i]
		}
	}
	return text
}

// word returns what goes on of a word at the start of a text.
func word(text string) string {
	end := strings.IndexAny(text, " ,;)`")
	if end < 0 {
		return text
	}
	return text[:end]
}

// Like reports whether other steps are the same but for what they are taken on: the same
// commands with the same flags, before and after the upgrade, and the same flags of that.
func (s *Steps) Like(other *Steps) bool {
	alike := func(a, b []string) bool { return slices.Equal(verbs(a), verbs(b)) }
	return alike(s.Before, other.Before) && alike(s.After, other.After) && slices.Equal(s.Flags, other.Flags)
}

// flag is a flag, without its value unless that says how to delete.
var flag = regexp.MustCompile(` (?:--cascade=\S+|--?[a-z-]+)`)

// verbs returns what commands do, each way of doing it once: "kubectl delete -n --cascade=orphan".
func verbs(commands []string) []string {
	var list []string
	for _, c := range commands {
		words := strings.Fields(c)
		verb := strings.Join(words[:min(2, len(words))], " ") + strings.Join(flag.FindAllString(c, -1), "")
		verb = strings.Replace(verb, " -n", "", 1) // what is in no namespace is deleted in the same way
		if !slices.Contains(list, verb) {
			list = append(list, verb)
		}
	}
	return list
}
