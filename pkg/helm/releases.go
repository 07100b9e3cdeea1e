package helm

import (
	"context"
	"slices"

	"helm.sh/helm/v3/pkg/action"
)

// Releases returns the names of the releases in the namespace, in order, for
// completion in a shell.
func (c *Client) Releases(ctx context.Context) ([]string, error) {
	return interruptible(ctx, func() ([]string, error) {
		cfg, err := c.connect()
		if err != nil {
			return nil, err
		}
		list := action.NewList(cfg)
		list.StateMask = action.ListAll
		list.SetStateMask()
		list.All = true
		releases, err := list.Run()
		if err != nil {
			return nil, clean(err)
		}
		var names []string
		for _, rel := range releases {
			names = append(names, rel.Name)
		}
		slices.Sort(names)
		return slices.Compact(names), nil
	})
}
