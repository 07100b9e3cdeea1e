package helm

import (
	"context"
	"slices"
)

// Releases returns the names of the releases in the namespace, in order, for
// completion in a shell.
func (c *Client) Releases(ctx context.Context) ([]string, error) {
	return interruptible(ctx, func() ([]string, error) {
		cfg, err := c.engine(ctx).open(c)
		if err != nil {
			return nil, err
		}
		names, err := cfg.names()
		if err != nil {
			return nil, clean(err)
		}
		slices.Sort(names)
		return slices.Compact(names), nil
	})
}
