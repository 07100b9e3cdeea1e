// Command helm-safe-diff tells what a Helm upgrade will do to a cluster before it
// is made. It is a plugin of Helm and runs without Helm as well.
package main

import (
	"os"

	"github.com/safe-diff/helm-safe-diff/pkg/cli"
	_ "github.com/safe-diff/helm-safe-diff/pkg/firstgc"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
