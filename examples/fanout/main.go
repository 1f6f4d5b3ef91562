// Fanout prepares one sandbox, forks it, tries a variant in each copy at the
// same time, and keeps the best. Agents do so with several answers of a model.
//
//	make example-fanout              on a local Sandflare
//	go run ./examples/fanout         on the service that SANDFLARE_API_URL and SANDFLARE_API_KEY name
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"

	"github.com/sandflare/sandflare-go"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	client, err := sandflare.NewClient()
	if err != nil {
		return err
	}
	base, err := prepare(ctx, client)
	if err != nil {
		return err
	}
	defer base.Close()

	results, err := fanOut(ctx, base, variants)
	defer closeAll(results)
	if err != nil {
		return err
	}
	best := results[0]
	for i, r := range results {
		fmt.Printf("%d. %-10s %d of %d checks pass, %d bytes\n", i+1, r.variant.name, r.passed, r.checks, len(r.variant.code))
		if r.better(best) {
			best = r
		}
	}
	fmt.Println("best:", best.variant.name)

	// The best copy goes on living as a snapshot, from which sandboxes can be made.
	snapshot, err := best.sandbox.CreateSnapshot(ctx, &sandflare.CreateSnapshotOptions{Name: "best", Tags: []string{best.variant.name}})
	if err != nil {
		return err
	}
	fmt.Println("kept as snapshot", snapshot.ID)
	return nil
}
