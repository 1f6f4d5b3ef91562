package transport

// NewTransport lets tests put a proxy into our own transport.
var NewTransport = newTransport

// RetryAfter lets a fuzz test try headers.
var RetryAfter = retryAfter
