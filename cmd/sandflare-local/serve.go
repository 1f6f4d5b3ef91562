package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/sandflare/sandflare-go/internal/local"
	"github.com/sandflare/sandflare-go/internal/local/guest"
)

// settings reads the flags that serve and run share; what is left are the arguments.
func settings(command, addr string, args []string, stderr io.Writer) (local.Config, []string, error) {
	var cfg local.Config
	var isolation string
	flags := flag.NewFlagSet("sandflare-local "+command, flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&cfg.Addr, "addr", addr, "loopback `address` to listen on; port 0 is a free one")
	flags.BoolVar(&cfg.TLS, "tls", false, "serve HTTPS with a private authority, named by SSL_CERT_FILE")
	flags.StringVar(&cfg.Key, "key", "", "API `key` that clients must send (default: a random one)")
	flags.StringVar(&cfg.DataDir, "data", "", "`folder` that keeps snapshots, templates, volumes and user memory (default: nothing is kept)")
	flags.StringVar(&isolation, "isolation", "auto", "`tier` of isolation: namespace, process, or auto for the best there is")
	flags.IntVar(&cfg.MaxSandboxes, "max-sandboxes", 0, "sandboxes at a time; more are answered as the hosted service's plan limit (default 100)")
	if err := flags.Parse(args); err != nil {
		if err != flag.ErrHelp {
			err = errUsage
		}
		return cfg, nil, err
	}
	switch isolation {
	case "auto":
	case "namespace", "process":
		cfg.Isolation = guest.Tier(isolation)
	default:
		fmt.Fprintf(stderr, "sandflare-local: --isolation %q: use auto, namespace or process\n", isolation)
		return cfg, nil, errUsage
	}
	return cfg, flags.Args(), nil
}

// serve runs until it is told to stop.
func serve(args []string, stdout, stderr io.Writer) error {
	cfg, rest, err := settings("serve", "127.0.0.1:8787", args, stderr)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		fmt.Fprintf(stderr, "sandflare-local: serve takes no arguments, got %q; to run a command use: sandflare-local run -- CMD\n", rest)
		return errUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server, err := local.Start(ctx, cfg)
	if err != nil {
		return err
	}
	report(server, stderr)
	for _, line := range server.Env() {
		fmt.Fprintln(stdout, line)
	}
	<-ctx.Done()
	return server.Close()
}

// report tells how far sandboxes are kept apart, and what would do better.
func report(server *local.Server, stderr io.Writer) {
	support := server.Isolation()
	fmt.Fprintf(stderr, "sandflare-local: %s, isolation %s\n", server.URL(), support.Tier)
	explain(support, stderr)
	for _, dir := range server.Swept() {
		fmt.Fprintf(stderr, "sandflare-local: removed %s, left by a server that was killed\n", dir)
	}
}

func explain(support guest.Support, w io.Writer) {
	switch {
	case support.Reason == "":
	case support.Tier == guest.Namespace:
		fmt.Fprintf(w, "  with a limit: %s\n", support.Reason)
	default:
		fmt.Fprintf(w, "  no better isolation here: %s\n", support.Reason)
	}
	if support.Mend != "" {
		fmt.Fprintf(w, "  this mends it: %s\n", support.Mend)
	}
}
