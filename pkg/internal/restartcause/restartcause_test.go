package restartcause

import "testing"

func TestIsChecksum(t *testing.T) {
	for name, want := range map[string]bool{
		"checksum/config":                          true,
		"config-hash":                              true,
		"example.com/config-sha256":                true,
		"consul.hashicorp.com/connect-inject":      false,
		"vault.hashicorp.com/agent-inject":         false,
		"vault.hashicorp.com/agent-inject-hash":    true,
		"reloader.stakater.com/last-reloaded-from": false,
	} {
		if is := isChecksum(name); is != want {
			t.Errorf("%s: %v, want %v", name, is, want)
		}
	}
}
