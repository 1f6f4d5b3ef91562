// Stream shows the progress of a long command while it runs: on a terminal as
// a bar that is redrawn with each line, elsewhere as plain lines.
//
//	make example-stream              on a local Sandflare
//	make example-stream | cat        the same, as a log file gets it
//	go run ./examples/stream         on the service that SANDFLARE_API_URL and SANDFLARE_API_KEY name
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"

	"github.com/sandflare/sandflare-go"
)

// job stands for any command that tells how far it is: "done/total what". What
// it has to say beside that goes to stderr.
const job = `total=20
for i in $(seq $total); do
	sleep 0.05
	if [ $i = 13 ]; then echo "part-12 is empty" >&2; fi
	sleep 0.05
	echo "$i/$total packing part-$i"
done`

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
	sb, err := client.CreateSandbox(ctx, &sandflare.CreateOptions{Label: "stream"})
	if err != nil {
		return err
	}
	defer sb.Close()

	progress := newProgress(os.Stdout)
	defer progress.end() // also after an error: the shell's prompt wants a line of its own
	for event, err := range sb.ExecStream(ctx, job, nil) {
		if err != nil {
			return err
		}
		switch event.Type {
		case sandflare.EventStdout:
			progress.line(event.Data)
		case sandflare.EventStderr:
			progress.note("warning: " + event.Data)
		case sandflare.EventDone:
			progress.note(fmt.Sprintf("done, exit code %d", event.ExitCode))
		}
	}
	return nil
}
