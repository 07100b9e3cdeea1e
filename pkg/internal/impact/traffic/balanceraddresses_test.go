package traffic

import (
	"strings"
	"testing"
)

func TestTableNamesItsSources(t *testing.T) {
	for _, row := range askedAddresses {
		if !strings.HasPrefix(row.Source, "https://") || !strings.Contains(row.Name, "/") {
			t.Errorf("%s: incomplete row", row.Name)
		}
	}
}
