package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/sandflaretest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// secret marks everything that must not reach a span.
const secret = "MARK-7f3a"

// traced is a client of server whose spans arrive at the exporter.
func traced(t *testing.T, server *sandflaretest.Server) (*sandflare.Client, *tracetest.InMemoryExporter) {
	t.Helper()
	exporter := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	base := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(base.CloseIdleConnections)
	client := server.Client(
		sandflare.WithHTTPClient(&http.Client{Transport: newTransport(base, provider)}),
		sandflare.WithMaxRetryDelay(time.Millisecond))
	return client, exporter
}

// everything is all that the spans say, as text: names, attributes, events, status.
func everything(t *testing.T, spans tracetest.SpanStubs) string {
	t.Helper()
	require.NotEmpty(t, spans)
	var text strings.Builder
	for _, span := range spans.Snapshots() {
		fmt.Fprintln(&text, span.Name(), span.Attributes(), span.Events(), span.Status(), span.Links())
	}
	return text.String()
}

func TestNoSecretReachesASpan(t *testing.T) {
	t.Parallel()
	server := sandflaretest.Start(t)
	client, exporter := traced(t, server)
	ctx := t.Context()
	sb, err := client.CreateSandbox(ctx, &sandflare.CreateOptions{
		Label: secret, Env: map[string]string{"TOKEN": secret}, Metadata: map[string]string{"m": secret}})
	require.NoError(t, err)
	result, err := sb.Exec(ctx, "echo "+secret, &sandflare.ExecOptions{Env: map[string]string{"X": secret}})
	require.NoError(t, err)
	require.Equal(t, secret+"\n", result.Stdout)
	result, err = sandflare.CollectExec(sb.ExecStream(ctx, "echo "+secret, nil))
	require.NoError(t, err)
	require.Equal(t, secret+"\n", result.Stdout, "the query arrived")
	require.NoError(t, sb.WriteFile(ctx, "/tmp/"+secret, []byte(secret)))
	data, err := sb.ReadFile(ctx, "/tmp/"+secret)
	require.NoError(t, err)
	require.Equal(t, secret, string(data))
	_, err = client.UserMemory().Search(ctx, secret, nil)
	require.NoError(t, err)
	list, err := client.ListSandboxes(ctx, &sandflare.ListOptions{Label: secret})
	require.NoError(t, err)
	require.Len(t, list, 1)

	// Errors are written into spans, too.
	server.Faults().On("sandbox.exec_stream").Then(sandflaretest.Reset())
	server.Faults().On("file.read").Then(sandflaretest.Status(503, "Retry-After", "0"), sandflaretest.TruncateAfter(2))
	_, err = sandflare.CollectExec(sb.ExecStream(ctx, "echo "+secret, nil))
	require.ErrorIs(t, err, sandflare.ErrOutcomeUnknown)
	_, err = sb.ReadFile(ctx, "/tmp/"+secret)
	require.NoError(t, err)
	require.Empty(t, server.Faults().Unused())
	require.NoError(t, sb.Delete(ctx))

	spans := exporter.GetSpans()
	assert.Len(t, spans, len(server.Requests()), "a span for each request")
	text := everything(t, spans)
	assert.Contains(t, text, "/sandboxes/"+sb.Name()+"/exec/stream")
	assert.NotContains(t, text, secret)
	assert.NotContains(t, text, server.APIKey())
	assert.NotContains(t, text, "cmd=")
}

// TestWithoutTheWrapperSecretsReachSpans: it is the wrapper that keeps them out.
func TestWithoutTheWrapperSecretsReachSpans(t *testing.T) {
	t.Parallel()
	server := sandflaretest.Start(t)
	exporter := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	bare := newTransport(http.DefaultTransport, provider).(takeQuery).next
	client := server.Client(sandflare.WithHTTPClient(&http.Client{Transport: bare}))
	_, _ = client.UserMemory().Search(t.Context(), secret, nil)
	assert.Contains(t, everything(t, exporter.GetSpans()), secret)
}

func TestSpansHaveTheCallersParent(t *testing.T) {
	t.Parallel()
	server := sandflaretest.Start(t)
	client, exporter := traced(t, server)
	ctx, parent := sdktrace.NewTracerProvider().Tracer("test").Start(t.Context(), "parent")
	_, err := client.ListSandboxes(ctx, nil)
	require.NoError(t, err)
	parent.End()
	spans := exporter.GetSpans()
	require.Len(t, spans, 1)
	assert.Equal(t, "sandflare GET", spans[0].Name)
	assert.Equal(t, parent.SpanContext().SpanID(), spans[0].Parent.SpanID())
}

// TestRetriesAndEffectsStayAsTheyAre: tracing changes nothing of what is sent again.
func TestRetriesAndEffectsStayAsTheyAre(t *testing.T) {
	t.Parallel()
	server := sandflaretest.Start(t)
	client, exporter := traced(t, server)
	sb, err := client.CreateSandbox(t.Context(), nil)
	require.NoError(t, err)
	server.Faults().On("sandbox.exec_stream").Then(sandflaretest.LoseAnswer())
	_, err = sandflare.CollectExec(sb.ExecStream(t.Context(), "echo ran >> /tmp/runs", nil))
	require.ErrorIs(t, err, sandflare.ErrOutcomeUnknown)
	runs, err := sb.ReadFile(t.Context(), "/tmp/runs")
	require.NoError(t, err)
	assert.Equal(t, "ran\n", string(runs), "it ran once")

	exporter.Reset()
	server.Faults().On("file.read").Then(sandflaretest.Status(502), sandflaretest.Status(503))
	_, err = sb.ReadFile(t.Context(), "/tmp/runs")
	require.NoError(t, err)
	assert.Len(t, exporter.GetSpans(), 3, "a span for each try")
}
