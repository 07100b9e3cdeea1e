package safetext

import (
	"net/url"
	"path"
	"strings"
)

// RepositoryPath returns the path of a file below the folder that a report is about, or
// "" for text that does not lead there: an absolute path, one that leads out of the
// folder, a URL, the path of another system. Charts choose such text, and those who read
// a report make links of it.
func RepositoryPath(text string) string {
	if text == "" || !Safe(text) || strings.ContainsAny(text, "\\\n\t") {
		return ""
	}
	first, _, _ := strings.Cut(text, "/")
	if first == "" || first == "~" || strings.Contains(first, ":") {
		return ""
	}
	for segment := range strings.SplitSeq(text, "/") {
		plain, err := url.PathUnescape(segment)
		if err != nil {
			plain = segment
		}
		if strings.Trim(plain, ". \t") == "" && strings.Contains(plain, "..") || strings.ContainsAny(plain, "/\\") {
			return ""
		}
	}
	cleaned := path.Clean(text)
	if cleaned == "." {
		return ""
	}
	return cleaned
}
