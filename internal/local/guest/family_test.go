//go:build linux

package guest_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/local/guest"
)

// A command that is killed takes its own processes along and nobody else's:
// not the command that begins at the moment at which it ends, and to which the
// kernel gives what it used to be known by.
func TestKillSparesOtherCommands(t *testing.T) {
	t.Parallel()
	eachTier(t, func(t *testing.T, tier guest.Tier) {
		g := start(t, tier)
		const rounds = 60
		var all sync.WaitGroup
		stop := make(chan struct{})
		for range 2 {
			all.Go(func() { // others that begin and end all the time
				for {
					select {
					case <-stop:
						return
					default:
					}
					r := run(t, g, guest.Command{Args: []string{"/bin/sh", "-c", "exit 3"}})
					if !assert.Equal(t, guest.Exit{Code: 3}, r.exit) {
						return
					}
				}
			})
		}
		for range rounds {
			ctx, cancel := context.WithCancel(t.Context())
			p, err := g.Exec(ctx, guest.Command{Args: []string{"sleep", "1000"}})
			require.NoError(t, err)
			cancel()
			finish(t, p)
		}
		close(stop)
		all.Wait()
	})
}
