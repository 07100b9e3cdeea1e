package change

import "github.com/safe-diff/helm-safe-diff/pkg/fieldpath"

// Unstored is what a manifest says and the cluster does not hold after Helm has applied it:
// a field, or entries of a list that share the key by which the list is merged.
type Unstored struct {
	// Path is the field. For entries of a list, it is the list.
	Path fieldpath.Path
	// By is the field by which the list is merged, such as "name". Key is its value in these
	// entries. Both are "" for a field outside such a list.
	By, Key string
	// Said is how many entries with that key the installed manifest has. Says is how many the
	// new manifest has. Holds is how many the cluster has in the end.
	Said, Says, Holds int
	// Lost identifies the entries of the new manifest that the cluster does not have, such as
	// "protocol UDP".
	Lost []string
	// Kept identifies the entries that the cluster has instead.
	Kept []string
	// All says that none of the entries is as in the manifest. Alike says that all of them are
	// the same, and one of them is there.
	All, Alike bool
	// Null says that the manifest has the field without a value.
	Null bool
}

// Same reports whether two are about the same field or the same entries.
func (u *Unstored) Same(other *Unstored) bool {
	return u.Path.String() == other.Path.String() && u.By == other.By && u.Key == other.Key
}
