package local

import (
	"context"
	"sync"

	"github.com/sandflare/sandflare-go/internal/local/guest"
)

// probes remembers what worked: a tier that was tried by starting a sandbox
// need not be tried again by the same process, and tests start many servers.
var probes struct {
	mu    sync.Mutex
	found map[guest.Tier]guest.Support
}

func probe(ctx context.Context, want guest.Tier) (guest.Support, error) {
	probes.mu.Lock()
	defer probes.mu.Unlock()
	if support, ok := probes.found[want]; ok {
		return support, nil
	}
	support, err := guest.Probe(ctx, want)
	if err == nil {
		if probes.found == nil {
			probes.found = map[guest.Tier]guest.Support{}
		}
		probes.found[want] = support
	}
	return support, err
}
