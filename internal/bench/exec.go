package main

import (
	"os/exec"

	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/internal/local"
)

// execRows run a command through SDK and local Sandflare, and bare.
func (b *bench) execRows() ([]row, error) {
	server, err := local.Start(b.ctx, local.Config{})
	if err != nil {
		return nil, err
	}
	b.onClose(func() { server.Close() })
	client, err := sandflare.NewClient(sandflare.WithAPIKey(server.Key()), sandflare.WithBaseURL(server.URL()))
	if err != nil {
		return nil, err
	}
	sb, err := client.CreateSandbox(b.ctx, nil)
	if err != nil {
		return nil, err
	}
	home, err := b.tempDir()
	if err != nil {
		return nil, err
	}
	const each = 10
	return []row{{
		name: "exec of true", against: "bash -lc true, HOME empty", target: "≤ 1.5×", rounds: 25, perCall: each,
		ours: times(each, func() error {
			result, err := sb.Exec(b.ctx, "true", nil)
			if err != nil {
				return err
			}
			return result.Err()
		}),
		bare: times(each, func() error {
			cmd := exec.CommandContext(b.ctx, "bash", "-lc", "true")
			cmd.Env = []string{"HOME=" + home, "PATH=/usr/local/bin:/usr/bin:/bin"}
			cmd.Dir = home
			_, err := cmd.Output()
			return err
		}),
	}}, nil
}
