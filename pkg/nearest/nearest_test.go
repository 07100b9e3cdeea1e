package nearest

import "testing"

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "abc", 3}, {"abc", "", 3}, {"value", "values", 1}, {"wiat", "wait", 2}, {"same", "same", 0}, {"kitten", "sitting", 3}} {
		if got := distance(test.a, test.b); got != test.want {
			t.Errorf("from %q to %q: %d, want %d", test.a, test.b, got, test.want)
		}
	}
}

func TestOf(t *testing.T) {
	for _, test := range []struct{ word, want string }{{"outgae", "outage"}, {"restrat", "restart"}, {"xyz", ""}, {"", ""}} {
		if got := Of(test.word, []string{"outage", "restart"}); got != test.want {
			t.Errorf("%q: got %q, want %q", test.word, got, test.want)
		}
	}
}
