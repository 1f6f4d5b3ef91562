// Quickstart creates a sandbox, works in it, and deletes it.
//
//	make quickstart                  on a local Sandflare: no account, no network
//	go run ./examples/quickstart     on the service that SANDFLARE_API_URL and SANDFLARE_API_KEY name
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"time"

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
	sb, err := client.CreateSandbox(ctx, &sandflare.CreateOptions{Label: "quickstart"})
	if err != nil {
		return err
	}
	defer sb.Close()
	fmt.Println("created", sb.Name())

	// Run a command.
	result, err := sb.Exec(ctx, "echo hello from $(hostname)", nil)
	if err != nil {
		return err
	}
	fmt.Print(result.Stdout)

	// Stream a command's output as it is written.
	start := time.Now()
	for event, err := range sb.ExecStream(ctx, "for i in 1 2 3 4; do echo step $i; sleep 0.5; done", nil) {
		if err != nil {
			return err
		}
		switch event.Type {
		case sandflare.EventStdout, sandflare.EventStderr:
			fmt.Printf("%4.1fs  %s\n", time.Since(start).Seconds(), event.Data)
		case sandflare.EventDone:
			fmt.Println("exit code", event.ExitCode)
		}
	}

	// Run code.
	show("python", func() (*sandflare.ExecResult, error) { return sb.RunPython(ctx, "print(2 + 2)", nil) })
	show("node", func() (*sandflare.ExecResult, error) { return sb.RunNode(ctx, "console.log(2 + 2)", nil) })

	// Move files, text and binary.
	if err := sb.WriteFile(ctx, "/tmp/hello.txt", []byte("hello, file\n")); err != nil {
		return err
	}
	text, err := sb.ReadFile(ctx, "/tmp/hello.txt")
	if err != nil {
		return err
	}
	fmt.Print(string(text))
	binary := []byte{0x00, 0xff, 0xfe, '\r', '\n', 0x80}
	if err := sb.WriteFile(ctx, "/tmp/data.bin", binary); err != nil {
		return err
	}
	back, err := sb.ReadFile(ctx, "/tmp/data.bin")
	if err != nil {
		return err
	}
	fmt.Println("binary file unharmed:", bytes.Equal(binary, back))

	entries, err := sb.ReadDir(ctx, "/tmp")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		fmt.Printf("%6d  %s\n", entry.Size, entry.Path)
	}

	// A command that fails is a result; Err makes an error of it.
	result, err = sb.Exec(ctx, "ls /no/such/folder", nil)
	if err != nil {
		return err
	}
	fmt.Println("as an error:", result.Err())

	if err := sb.Delete(ctx); err != nil {
		return err
	}
	fmt.Println("deleted", sb.Name())
	return nil
}

// show prints what code printed, or in one line why it could not run.
func show(language string, run func() (*sandflare.ExecResult, error)) {
	result, err := run()
	var failed *sandflare.APIError
	switch {
	case errors.As(err, &failed):
		fmt.Printf("%s skipped: %s\n", language, failed.Message)
	case err != nil:
		log.Print(err)
	case !result.OK():
		fmt.Printf("%s failed: %v\n", language, result.Err())
	default:
		fmt.Printf("%s says %s", language, result.Stdout)
	}
}
