// Analysis works on data step by step, as a notebook does: each piece of Python
// sees the variables of the pieces before it, and a plot comes back as PNG.
//
//	make example-analysis                      on a local Sandflare
//	go run ./examples/analysis -o plot.png     on the service that SANDFLARE_API_URL and SANDFLARE_API_KEY name
//
// The plot needs matplotlib in the sandbox; -install has pip fetch it.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"

	"github.com/sandflare/sandflare-go"
)

func main() {
	plot := flag.String("o", "plot.png", "`file` that gets the plot")
	install := flag.Bool("install", false, "install matplotlib in the sandbox if it is missing")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *plot, *install); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, plot string, install bool) error {
	client, err := sandflare.NewClient()
	if err != nil {
		return err
	}
	sb, err := client.CreateSandbox(ctx, &sandflare.CreateOptions{Label: "analysis"})
	if err != nil {
		return err
	}
	defer sb.Close()
	if err := sb.WriteFile(ctx, "temperatures.csv", []byte(measurements)); err != nil {
		return err
	}
	for _, cell := range []string{loadCell, statsCell} {
		result, err := runCell(ctx, sb, cell)
		if err != nil {
			return err
		}
		fmt.Print(result.Stdout)
		if result.Text != "" {
			fmt.Println(result.Text)
		}
	}
	png, err := draw(ctx, sb, install)
	if err != nil || png == nil {
		return err
	}
	if err := os.WriteFile(plot, png, 0o644); err != nil {
		return err
	}
	fmt.Printf("plot saved to %s (%d bytes)\n", plot, len(png))
	return nil
}

// runCell runs one piece of code. What it raises is an error here: the pieces after it need it.
func runCell(ctx context.Context, sb *sandflare.Sandbox, code string) (*sandflare.CodeResult, error) {
	result, err := sb.RunCode(ctx, code, nil)
	if err != nil {
		return nil, err
	}
	if !result.OK() {
		return nil, fmt.Errorf("the code failed:\n%s", result.Error)
	}
	return result, nil
}

// draw returns the plot, or nil when it cannot be drawn, and says why.
func draw(ctx context.Context, sb *sandflare.Sandbox, install bool) ([]byte, error) {
	found, err := runCell(ctx, sb, findCell)
	if err != nil {
		return nil, err
	}
	if found.Text != "True" && !install {
		fmt.Println("no plot: matplotlib is not in this sandbox; -install has pip fetch it")
		return nil, nil
	}
	if found.Text != "True" {
		result, err := sb.Install(ctx, sandflare.Pip, "matplotlib")
		if err != nil {
			return nil, err
		}
		if !result.OK() {
			fmt.Println("no plot: pip could not install matplotlib:", result.Err())
			return nil, nil
		}
	}
	result, err := runCell(ctx, sb, plotCell)
	if err != nil {
		return nil, err
	}
	return result.PNG, nil
}
