package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/safe-diff/helm-safe-diff/pkg/git"
	"github.com/safe-diff/helm-safe-diff/pkg/policy"
)

// fromWorktree is the value of --policy-from for the files of the working folder.
const fromWorktree = "worktree"

// policyChoice says which policy is wanted.
type policyChoice struct {
	// named is the value of --config.
	named string
	// from is the branch or commit whose policy counts, "" for the working folder; flag is
	// the flag that says so, which is --base if --policy-from does not.
	from, flag string
	// approved is the digest of a policy that counts although it is not the one of from.
	approved string
}

// reviewed reports whether the policy that counts is that of a branch or commit.
func (c *policyChoice) reviewed() bool { return c.from != "" && c.named == "" }

// choiceOf reads the flags of a command that say which policy is wanted.
func choiceOf(flags *pflag.FlagSet) (policyChoice, error) {
	value := func(name string) string {
		if f := flags.Lookup(name); f != nil {
			return f.Value.String()
		}
		return ""
	}
	c := policyChoice{named: value("config"), from: value("policy-from"), flag: "--policy-from", approved: value("approve-policy")}
	if c.from == "" {
		c.from, c.flag = value("base"), "--base"
	}
	if c.from == fromWorktree {
		c.from = ""
	}
	if c.approved != "" && !regexp.MustCompile("^sha256:[0-9a-f]{64}$").MatchString(c.approved) {
		return c, fmt.Errorf("--approve-policy %q is no digest: the finding policy-changed has it, sha256: and 64 hexadecimal digits", c.approved)
	}
	return c, nil
}

// proposal is a policy that the working folder has, and that is not the one of ref.
type proposal struct {
	ref, commit       string
	current, proposed policy.Texts
	// clash says that the policy of ref has changed too since the branch left it, so that
	// nobody knows yet what the two will be together.
	clash bool
	// digest is what --approve-policy takes, given what it was given.
	digest, given string
	// file and accepted are what the proposed policy says, unless err says why it cannot
	// be read.
	file     *policy.File
	accepted []policy.Acceptance
	err      error
}

// approved reports whether the proposed policy counts.
func (p *proposal) approved() bool { return p.given == p.digest && !p.clash }

// choose returns the files of the policy that counts, and what the working folder proposes
// instead; nil if that is the same.
func (c *policyChoice) choose(ctx context.Context) (policy.Texts, *proposal, error) {
	here, missing := c.here()
	if c.from == "" || c.named == "none" || missing != nil && !errors.Is(missing, fs.ErrNotExist) {
		return here, nil, missing
	}
	o, err := c.origin(ctx)
	if err != nil || o == nil {
		return here, nil, errors.Join(err, missing)
	}
	theirs, err := o.texts(ctx, o.commit)
	if err != nil {
		return here, nil, err
	}
	old := theirs
	if base, err := o.repo.MergeBase(ctx, o.commit); err == nil { // else git has no common history here, and all that differs counts
		if old, err = o.texts(ctx, base); err != nil {
			return here, nil, err
		}
	}
	if err := o.relative(&here); err != nil {
		return here, nil, err
	}
	for _, pair := range [][2]*policy.Text{{&theirs.Policy, &here.Policy}, {&theirs.Accepted, &here.Accepted}} {
		if pair[0].Path == pair[1].Path && pair[0].Text == pair[1].Text {
			pair[0].Name = pair[1].Name
		}
	}
	merged, clash := policy.Merge(&old, &theirs, &here)
	if merged.Same(&theirs) {
		return theirs, nil, nil
	}
	p := &proposal{ref: c.from, commit: o.commit, current: theirs, proposed: merged, clash: clash, digest: merged.Digest(), given: c.approved}
	if p.approved() {
		return merged, p, nil
	}
	p.read(c.named == "")
	return theirs, p, nil
}

// read reads the proposed policy. found says that nobody has named it.
func (p *proposal) read(found bool) {
	var errs [2]error
	p.file, errs[0] = policy.Read(p.proposed.Policy.Name, p.proposed.Policy.Text, knownToPolicy())
	p.accepted, errs[1] = policy.ReadAccepted(p.proposed.Accepted.Name, p.proposed.Accepted.Text)
	p.err = errors.Join(errs[:]...)
	for _, f := range p.file.Flags {
		if found {
			p.err = errors.Join(p.err, checkFound(f.At, f.Name, true))
		}
	}
}

// here reads the policy of the working folder: the file that is named, or that is found in
// it or above it, and the acceptances beside it. Without a policy file acceptances are
// looked for as that is.
func (c *policyChoice) here() (policy.Texts, error) {
	var t policy.Texts
	if c.named == "none" {
		return t, nil
	}
	file, err := configPath(c.named)
	if err != nil {
		return t, err
	}
	found := c.named == ""
	if file != "" {
		if t.Policy, err = readHere(file, found); err != nil {
			return t, fmt.Errorf("read policy: %w", err)
		}
	}
	accepted := filepath.Join(filepath.Dir(file), acceptedName)
	if file == "" {
		if accepted, err = findUpwards(acceptedName); err != nil || accepted == "" {
			return t, err
		}
	}
	t.Accepted, err = readHere(accepted, found)
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil
	}
	if err != nil {
		return t, fmt.Errorf("read acceptances: %w", err)
	}
	return t, nil
}

// readHere reads a file of the working folder. One that was found, and not named, may be a
// link, but not to what is outside its repository or is git's own: mistakes in it are
// quoted, and whoever made the link may not be allowed to read what it leads to.
func readHere(file string, found bool) (policy.Text, error) {
	followed, err := filepath.EvalSymlinks(file)
	if err != nil {
		return policy.Text{}, err
	}
	if top := topOf(filepath.Dir(file)); found && top != "" {
		rel, err := filepath.Rel(top, followed)
		first, _, _ := strings.Cut(filepath.ToSlash(rel), "/")
		if err != nil || !filepath.IsLocal(rel) || first == ".git" {
			return policy.Text{}, fmt.Errorf("%s is a link that leads out of its repository; name the file with --config", shortPath(file))
		}
	}
	text, err := os.ReadFile(file)
	return policy.Text{Path: file, Name: shortPath(file), Text: string(text)}, err
}

// topOf returns the folder at or above dir that holds .git, as an absolute path without
// links; "" if there is none.
func topOf(dir string) string {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return ""
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// origin is a commit that has a policy.
type origin struct {
	repo   *git.Repository
	ref    string
	commit string
	// folders are where the policy may be, nearest first, as paths from the top; name is
	// what it is called there.
	folders []string
	name    string
}

// origin returns where the policy that counts is looked for; nil if that is none of the
// repository's files.
func (c *policyChoice) origin(ctx context.Context) (*origin, error) {
	about := func(err error) error { return fmt.Errorf("%s %s: %w", c.flag, c.from, err) }
	repo, err := git.Open(ctx, ".")
	if err != nil {
		return nil, about(err)
	}
	o := &origin{repo: repo, ref: c.from, name: configName}
	if o.commit, err = repo.Commit(ctx, c.from); err != nil {
		return nil, about(nearestRef(ctx, repo, c.from, err))
	}
	if c.named != "" {
		return o, o.named(ctx, c.named, &o)
	}
	above, err := repo.Superproject(ctx)
	if err != nil {
		return nil, about(err)
	}
	if above != "" && c.flag == "--base" { // which commit of it is checked out is for the pull request to say
		return nil, fmt.Errorf("the working folder is in a submodule of %q: say with --policy-from or --config which policy counts", above)
	}
	here, err := o.inside(".")
	if err != nil {
		return nil, about(err)
	}
	for ; ; here = path.Dir(here) {
		o.folders = append(o.folders, here)
		if here == "." {
			return o, nil
		}
	}
}

// named lets the origin be about a file that was named. If that is not in the repository,
// or if neither the commit nor the index has it, it is the operator's own, and *place
// becomes nil.
func (o *origin) named(ctx context.Context, file string, place **origin) error {
	rel, err := o.inside(file)
	if err != nil {
		*place = nil
		return nil //nolint:nilerr // it is no file of the repository
	}
	tracked, err := o.repo.Tracked(ctx, rel)
	if err != nil {
		return err
	}
	o.folders, o.name = []string{path.Dir(rel)}, path.Base(rel)
	there, err := o.repo.Read(ctx, o.commit, []string{rel})
	if err == nil && there[0] == nil && !tracked {
		*place = nil
	}
	return err
}

// inside returns the path of a file or folder from the top of the repository. Links in its
// folder are followed.
func (o *origin) inside(name string) (string, error) {
	full, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	dir, base := filepath.Split(full)
	if info, err := os.Stat(full); err == nil && info.IsDir() {
		dir, base = full, ""
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return "", err
	}
	rel, err := filepath.Rel(o.repo.Root, filepath.Join(dir, base))
	if err != nil || !filepath.IsLocal(rel) {
		return "", fmt.Errorf("%q is not in the repository %q", name, o.repo.Root)
	}
	return filepath.ToSlash(rel), nil
}

// relative makes the paths of files of the working folder begin at the top of the
// repository.
func (o *origin) relative(t *policy.Texts) error {
	for _, text := range []*policy.Text{&t.Policy, &t.Accepted} {
		if text.Path == "" {
			continue
		}
		rel, err := o.inside(text.Path)
		if err != nil {
			return err
		}
		text.Path = rel
	}
	return nil
}

// texts reads the policy of a commit as here reads that of the working folder.
func (o *origin) texts(ctx context.Context, commit string) (policy.Texts, error) {
	names := make([]string, 0, 2*len(o.folders))
	for _, folder := range o.folders {
		names = append(names, path.Join(folder, o.name), path.Join(folder, acceptedName))
	}
	contents, err := o.repo.Read(ctx, commit, names)
	if err != nil {
		return policy.Texts{}, fmt.Errorf("read policy: %w", err)
	}
	text := func(i int) policy.Text {
		if contents[i] == nil {
			return policy.Text{}
		}
		return policy.Text{Path: names[i], Name: o.ref + ":" + names[i], Text: string(contents[i])}
	}
	for i := 0; i < len(names); i += 2 {
		if contents[i] != nil {
			return policy.Texts{Policy: text(i), Accepted: text(i + 1)}, nil
		}
	}
	accepted := slices.IndexFunc(contents, func(c []byte) bool { return c != nil })
	if accepted < 0 {
		return policy.Texts{}, nil
	}
	return policy.Texts{Accepted: text(accepted)}, nil
}
