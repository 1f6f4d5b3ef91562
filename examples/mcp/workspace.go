package main

import (
	"context"
	"log"
	"sync"

	"github.com/sandflare/sandflare-go"
)

// workspace is the sandbox of one session. It is made when it is first needed:
// clients start servers that they then do not use.
type workspace struct {
	client   *sandflare.Client
	snapshot string

	mu sync.Mutex
	sb *sandflare.Sandbox
}

func (w *workspace) sandbox(ctx context.Context) (*sandflare.Sandbox, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sb != nil {
		return w.sb, nil
	}
	sb, err := w.client.CreateSandbox(ctx, &sandflare.CreateOptions{Label: "mcp", SnapshotID: w.snapshot})
	if err != nil {
		return nil, err
	}
	w.sb = sb
	return sb, nil
}

func (w *workspace) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sb == nil {
		return
	}
	if err := w.sb.Close(); err != nil {
		log.Print(err)
	}
}
