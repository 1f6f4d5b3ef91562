// Tracing makes an OpenTelemetry span of every request that the SDK sends, and
// keeps secrets out of them.
//
//	make example-tracing    on a local Sandflare
//
// Spans are printed here. A real program hands them to an exporter of its own.
package main

import (
	"context"
	"log"
	"net/http"
	"os"
	"os/signal"

	"github.com/sandflare/sandflare-go"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	exporter, err := stdouttrace.New(stdouttrace.WithPrettyPrint())
	if err != nil {
		log.Fatal(err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	defer provider.Shutdown(context.Background())
	if err := run(ctx, provider); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, provider *sdktrace.TracerProvider) error {
	transport := newTransport(http.DefaultTransport, provider)
	client, err := sandflare.NewClient(sandflare.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		return err
	}
	// A span of one's own: the requests become its children.
	ctx, span := provider.Tracer("example").Start(ctx, "greet")
	defer span.End()
	sb, err := client.CreateSandbox(ctx, &sandflare.CreateOptions{Label: "tracing"})
	if err != nil {
		return err
	}
	defer sb.Close()
	_, err = sandflare.CollectExec(sb.ExecStream(ctx, "echo hello", nil))
	return err
}
