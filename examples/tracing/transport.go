package main

import (
	"context"
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/trace"
)

// newTransport traces what goes through base. The instrumentation writes each
// request's URL into its span, and a URL's query can hold what must not get
// there: the command of a stream, the path of a file, the words of a search.
// So the query is taken out before the instrumentation and put back behind it.
func newTransport(base http.RoundTripper, provider trace.TracerProvider) http.RoundTripper {
	return takeQuery{otelhttp.NewTransport(putQuery{base},
		otelhttp.WithTracerProvider(provider),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return "sandflare " + r.Method }),
	)}
}

type queryKey struct{}

// takeQuery moves the query from the URL to the context.
type takeQuery struct{ next http.RoundTripper }

func (t takeQuery) RoundTrip(r *http.Request) (*http.Response, error) {
	sent := r.Clone(context.WithValue(r.Context(), queryKey{}, r.URL.RawQuery))
	sent.URL.RawQuery = ""
	return t.next.RoundTrip(sent)
}

// putQuery moves it back.
type putQuery struct{ next http.RoundTripper }

func (t putQuery) RoundTrip(r *http.Request) (*http.Response, error) {
	query, _ := r.Context().Value(queryKey{}).(string)
	sent := r.Clone(r.Context())
	sent.URL.RawQuery = query
	return t.next.RoundTrip(sent)
}
