// Package wire is the REST contract of Sandflare as data: its routes, the
// shapes of its requests and answers, and the lenient decoding of the latter.
// The SDK and the local Sandflare both speak it; nothing else knows a path or
// a field name, so that a correction of the contract touches this folder only.
package wire
