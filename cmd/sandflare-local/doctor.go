package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/internal/local"
)

// tools are programs that sandboxes use, with what they are for.
var tools = []struct{ name, use string }{
	{"bash", "commands (else sh)"},
	{"python3", "RunPython, RunCode"},
	{"node", "RunNode"},
	{"git", "GitClone"},
	{"pip", "Install of Python packages"},
	{"npm", "Install of Node packages"},
	{"apt-get", "Install of system packages, as root"},
}

// doctor says what works here. It fails when no sandbox could run.
func doctor(args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 {
		fmt.Fprintln(stderr, "usage: sandflare-local doctor\nSays what works on this machine; exit code 1 when sandboxes cannot run.")
		if args[0] == "-h" || args[0] == "--help" {
			return nil
		}
		return errUsage
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	server, err := local.Start(ctx, local.Config{})
	if err != nil {
		return fmt.Errorf("no sandbox can run here: %w", err)
	}
	defer server.Close()
	fmt.Fprintf(stdout, "isolation: %s (tried by starting a sandbox)\n", server.Isolation().Tier)
	explain(server.Isolation(), stdout)
	found, err := lookInside(ctx, server)
	if err != nil {
		return fmt.Errorf("look into a sandbox: %w", err)
	}
	fmt.Fprintln(stdout, "programs that a sandbox finds:")
	for _, tool := range tools {
		fmt.Fprintf(stdout, "  %-8s %s: %s\n", tool.name, cmp.Or(found[tool.name], "missing"), tool.use)
	}
	return nil
}

// lookInside asks a sandbox for its programs: what this machine has in a home
// folder, a sandbox has not.
func lookInside(ctx context.Context, server *local.Server) (map[string]string, error) {
	client, err := sandflare.NewClient(sandflare.WithAPIKey(server.Key()), sandflare.WithBaseURL(server.URL()))
	if err != nil {
		return nil, err
	}
	sb, err := client.CreateSandbox(ctx, nil)
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, tool := range tools {
		result, err := sb.Exec(ctx, "command -v "+tool.name, nil)
		if err != nil {
			return nil, err
		}
		found[tool.name] = strings.TrimSpace(result.Stdout)
	}
	return found, nil
}
