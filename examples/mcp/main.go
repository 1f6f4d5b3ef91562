// Mcp is a Model Context Protocol server over stdio: it gives the model of any
// MCP client a sandbox of its own to work in.
//
//	make example-mcp    start it on a local Sandflare; it then waits for a client on stdin
//
// In a client's configuration, on a local Sandflare. Both programs are installed
// from a clone: go install ./cmd/sandflare-local, and in this folder go install.
//
//	{"mcpServers": {"sandflare": {
//	  "command": "sandflare-local",
//	  "args": ["run", "--data", "/home/you/.sandflare", "--", "mcp"]
//	}}}
//
// and on the service: "command": "mcp", "env": {"SANDFLARE_API_KEY": "…"}.
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/sandflare/sandflare-go"
)

func main() {
	snapshot := flag.String("snapshot", "", "`ID` of the snapshot that the sandbox begins with")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// Stdout belongs to the protocol; what goes wrong is said on stderr.
	if err := run(ctx, *snapshot); err != nil && ctx.Err() == nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, snapshot string) error {
	client, err := sandflare.NewClient()
	if err != nil {
		return err
	}
	work := &workspace{client: client, snapshot: snapshot}
	defer work.close()
	return newServer(work).Run(ctx, &mcp.StdioTransport{})
}
