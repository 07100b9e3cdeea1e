package observed

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/safe-diff/helm-safe-diff/test/agreement"
	"github.com/safe-diff/helm-safe-diff/test/cases"
)

// Normal makes two measurements of one case equal: what chance decides, such as the
// namespace of a measurement, UIDs, addresses, and the ends of generated names, is
// replaced by what is the same each time.
type Normal struct {
	namespace string
	written   string // all that the case has written itself, which stays
}

// NewNormal returns what normalises a case that was measured in a namespace.
func NewNormal(c *cases.Case, namespace string) *Normal {
	return &Normal{namespace: namespace, written: c.Before + c.Old + c.New + c.Cluster + c.Drift}
}

// Upgrade normalises what happened.
func (n *Normal) Upgrade(u *agreement.Upgrade) {
	u.Upgrade.Error = n.Text(u.Upgrade.Error)
	if u.Rollback != nil {
		u.Rollback.Error = n.Text(u.Rollback.Error)
	}
	for i := range u.Resources {
		r := &u.Resources[i]
		r.APIVersion, r.Namespace, r.Name = n.place(r.APIVersion), n.place(r.Namespace), n.place(r.Name)
		if r.Hangs != nil {
			for i, why := range r.Hangs.Why {
				r.Hangs.Why[i] = n.Text(why)
			}
			slices.Sort(r.Hangs.Why)
			r.Hangs.Why = slices.Compact(r.Hangs.Why)
		}
		for _, fields := range [][]string{r.Changed, r.BackChanged} {
			for i := range fields {
				fields[i] = n.place(fields[i])
			}
		}
	}
}

// place names the namespace and the API group of a measurement as the case does.
func (n *Normal) place(text string) string {
	text = strings.ReplaceAll(text, n.namespace+"."+cases.Group, cases.Group)
	return strings.ReplaceAll(text, n.namespace, cases.Namespace)
}

var (
	uidPattern     = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	addressPattern = regexp.MustCompile(`\b10\.\d{1,3}\.\d{1,3}\.\d{1,3}\b`)
	portPattern    = regexp.MustCompile(`\b3[0-2]\d{3}\b`)
	timePattern    = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
	localPattern   = regexp.MustCompile(`127\.0\.0\.1:\d+`)
	folderPattern  = regexp.MustCompile(`/\S*/` + `(\d\.\d\.0)(/|\b)`)
	podPattern     = regexp.MustCompile(`(-[0-9a-f]{6,10}-)[a-z0-9]{5}\b`)
	logPattern     = regexp.MustCompile(`\b[IWE]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ ([a-z_]+\.go:\d+\])`)
	versionPattern = regexp.MustCompile(`(resourceVersion\\*":\\*")\d+`)
	countPattern   = regexp.MustCompile(`(used: count/configmaps=)\d+`)                    // each namespace gets one, sooner or later
	refusedPattern = regexp.MustCompile(`(pods "[a-z0-9.-]+-)[a-z0-9]{5}(" is forbidden)`) // of a Job
)

// combined begins the message of an event that a controller has sent more than ten times:
// how often it tries while the laboratory looks is chance.
const combined = "(combined from similar events): "

// Text normalises what Helm, the API server, a controller or the program says.
func (n *Normal) Text(text string) string {
	text = strings.ReplaceAll(n.place(text), combined, "")
	keep := func(with string) func(string) string {
		return func(found string) string {
			if strings.Contains(n.written, found) {
				return found
			}
			return with
		}
	}
	text = versionPattern.ReplaceAllString(text, "${1}1") // which may look like a port
	text = uidPattern.ReplaceAllStringFunc(text, keep("UID"))
	text = localPattern.ReplaceAllString(text, "127.0.0.1:PORT")
	text = folderPattern.ReplaceAllString(text, "CHART/$1$2")
	text = addressPattern.ReplaceAllStringFunc(text, keep("ADDRESS"))
	text = timePattern.ReplaceAllStringFunc(text, keep("TIME"))
	text = portPattern.ReplaceAllStringFunc(text, keep("NODEPORT"))
	text = countPattern.ReplaceAllString(text, "${1}COUNT")
	text = refusedPattern.ReplaceAllString(text, "${1}POD$2")
	text = logPattern.ReplaceAllString(text, "LOG $1")
	return podPattern.ReplaceAllString(text, "${1}POD")
}

// Objects normalises what was in the cluster, and brings it into a fixed order.
func (n *Normal) Objects(list []map[string]any) ([]map[string]any, error) {
	for _, o := range list {
		trim(o)
	}
	slices.SortStableFunc(list, func(a, b map[string]any) int {
		return cmp.Or(
			cmp.Compare(fmt.Sprint(a["kind"], a["apiVersion"]), fmt.Sprint(b["kind"], b["apiVersion"])),
			cmp.Compare(field(a, "namespace"), field(b, "namespace")),
			cmp.Compare(field(a, "creationTimestamp"), field(b, "creationTimestamp")),
			cmp.Compare(field(a, "name"), field(b, "name")),
		)
	})
	bytes, err := json.Marshal(list)
	if err != nil {
		return nil, err
	}
	text := n.place(string(bytes))
	text = n.generated(text, list)
	numbered := func(pattern *regexp.Regexp, format func(i int) string) {
		known := map[string]string{}
		text = pattern.ReplaceAllStringFunc(text, func(found string) string {
			if strings.Contains(n.written, found) {
				return found
			}
			if known[found] == "" {
				known[found] = format(len(known) + 1)
			}
			return known[found]
		})
	}
	numbered(uidPattern, func(i int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", i) })
	numbered(addressPattern, func(i int) string { return fmt.Sprintf("10.96.%d.%d", i/250, i%250+1) })
	text = n.ports(text)
	text = n.times(text)
	var normal []map[string]any
	err = json.Unmarshal([]byte(text), &normal)
	slices.SortStableFunc(normal, func(a, b map[string]any) int { return cmp.Compare(identity(a), identity(b)) })
	return normal, err
}

// trim takes out of an object what no judgement looks at, and what is long.
func trim(o map[string]any) {
	metadata, _ := o["metadata"].(map[string]any)
	if metadata["resourceVersion"] != nil {
		metadata["resourceVersion"] = "1" // which an update has to name
	}
	if metadata["ownerReferences"] != nil {
		delete(metadata, "managedFields")
	}
	if data, ok := o["data"].(map[string]any); ok && metadata["name"] == "kube-root-ca.crt" {
		for key := range data {
			data[key] = "CERTIFICATE"
		}
	}
	if spec, ok := o["spec"].(map[string]any); ok && o["kind"] == "Pod" && metadata["ownerReferences"] != nil {
		if name, ok := spec["nodeName"].(string); ok && strings.HasPrefix(name, "node-") {
			spec["nodeName"] = "node-0" // which of them is chance
		}
	}
}

// generated gives generated names an end that is the same each time: objects that were
// made at the same time are told apart by their order only.
func (n *Normal) generated(text string, list []map[string]any) string {
	counts := map[string]int{}
	renamed := map[string]string{}
	for _, o := range list {
		base, name := n.place(field(o, "generateName")), n.place(field(o, "name"))
		if base == "" || !strings.HasPrefix(name, base) || strings.Contains(n.written, name) || renamed[name] != "" {
			continue
		}
		if renames := o["kind"] == "Pod" && isOrdinal(strings.TrimPrefix(name, base)); renames {
			continue // a pod of a StatefulSet
		}
		renamed[name] = fmt.Sprintf("%sg%04d", base, counts[base])
		counts[base]++
	}
	for _, name := range slices.Sorted(maps.Keys(renamed)) {
		text = strings.ReplaceAll(text, name, renamed[name])
	}
	return text
}

func isOrdinal(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

var nodePortPattern = regexp.MustCompile(`"(nodePort|healthCheckNodePort)":(\d+)`)

// ports numbers the node ports that the API server has chosen.
func (n *Normal) ports(text string) string {
	known := map[string]int{}
	return nodePortPattern.ReplaceAllStringFunc(text, func(found string) string {
		parts := nodePortPattern.FindStringSubmatch(found)
		if strings.Contains(n.written, parts[2]) {
			return found
		}
		if known[parts[2]] == 0 {
			known[parts[2]] = 32001 + len(known)
		}
		return fmt.Sprintf("%q:%d", parts[1], known[parts[2]])
	})
}

// times keeps the order of times, one second apart.
func (n *Normal) times(text string) string {
	found := timePattern.FindAllString(text, -1)
	slices.Sort(found)
	found = slices.Compact(found)
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return timePattern.ReplaceAllStringFunc(text, func(t string) string {
		if strings.Contains(n.written, t) {
			return t
		}
		i, _ := slices.BinarySearch(found, t)
		return begin.Add(time.Duration(i) * time.Second).Format(time.RFC3339)
	})
}
