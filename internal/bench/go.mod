module github.com/sandflare/sandflare-go/internal/bench

go 1.26.0

replace github.com/sandflare/sandflare-go => ../..

require (
	github.com/openai/openai-go/v3 v3.99.0
	github.com/sandflare/sandflare-go v0.0.0-00010101000000-000000000000
	github.com/tmaxmax/go-sse v0.12.0
)

require (
	github.com/hashicorp/go-cleanhttp v0.5.2 // indirect
	github.com/hashicorp/go-retryablehttp v0.7.8 // indirect
	github.com/r3labs/sse/v2 v2.10.0 // indirect
	github.com/tidwall/gjson v1.20.0 // indirect
	github.com/tidwall/match v1.1.1 // indirect
	github.com/tidwall/pretty v1.2.1 // indirect
	golang.org/x/net v0.62.0 // indirect
	gopkg.in/cenkalti/backoff.v1 v1.1.0 // indirect
)
