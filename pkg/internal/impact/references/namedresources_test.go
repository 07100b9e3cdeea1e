package references

import (
	"strings"
	"testing"
)

func TestTableNamesItsSources(t *testing.T) {
	for _, row := range namerTable() {
		if !strings.HasPrefix(row.source, "https://") || row.names == nil || row.risk == "" || len(row.kinds) == 0 {
			t.Errorf("%s %v: incomplete row", row.group, row.kinds)
		}
	}
}
