package renamedreleases

import (
	"testing"
)

func TestTurns(t *testing.T) {
	words := []word{{"shop", "shop-eu"}, {"prod", "stage"}}
	tests := []struct {
		old, updated string
		want         bool
	}{
		{"shop", "shop-eu", true},
		{"shop-db", "shop-eu-db", true},
		{"http://shop-db.prod.svc:80/shop", "http://shop-eu-db.stage.svc:80/shop", true}, // some of them
		{"shop-eu-db, shop-db", "shop-eu-db, shop-eu-db", true},
		{"shop", "shop-us", false},
		{"shopping", "shop-euping", false},
		{"myshop", "myshop-eu", false},
		{"shop:1", "shop-eu:2", false},
		{"production", "stageuction", false},
		{"shop-eu", "shop", false},
		{"shop", "", false},
		{"", "shop-eu", false},
	}
	for _, test := range tests {
		if got := turns(words, test.old, test.updated); got != test.want {
			t.Errorf("%q to %q: %t, want %t", test.old, test.updated, got, test.want)
		}
	}
}

func TestReplaceLines(t *testing.T) {
	got := replaceLines([]word{{"shop", "shop2"}}, "host: shop-db\nlevel: 1\nname: shop\n", "new: 1\nname: shop2\nhost: shop2-db\nlevel: 2\n")
	if want := "host: shop2-db\nlevel: 1\nname: shop2\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
