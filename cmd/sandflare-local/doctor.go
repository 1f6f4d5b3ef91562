package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"

	"github.com/sandflare/sandflare-go/internal/local/guest"
)

// tools are programs of this machine that sandboxes use, with what they are for.
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
	best, err := guest.Probe(ctx, "")
	if err != nil {
		return fmt.Errorf("no sandbox can run here: %w", err)
	}
	fmt.Fprintf(stdout, "isolation: %s (tried by starting a sandbox)\n", best.Tier)
	explain(best, stdout)
	fmt.Fprintln(stdout, "programs:")
	for _, tool := range tools {
		fmt.Fprintf(stdout, "  %-8s %s: %s\n", tool.name, where(tool.name), tool.use)
	}
	return nil
}

func where(program string) string {
	path, err := exec.LookPath(program)
	if errors.Is(err, exec.ErrNotFound) {
		return "missing"
	}
	return path
}
