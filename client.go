package sandflare

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/sandflare/sandflare-go/internal/transport"
)

// DefaultBaseURL is where a client sends its calls when nothing else is said.
const DefaultBaseURL = "https://api.sandflare.io"

// Version is the version of this package, sent as part of the User-Agent.
const Version = "0.1.0"

// Client speaks to one Sandflare service with one API key. It is safe for
// concurrent use; make one with [NewClient] and keep it.
type Client struct {
	transport *transport.Client
}

type config struct {
	transport.Config
	keySet bool
}

// Option sets something about a [Client].
type Option func(*config) error

// NewClient makes a client. Without [WithAPIKey] the key comes from
// SANDFLARE_API_KEY, else PANDAAGENT_API_KEY, else AGENTBOX_API_KEY; without
// [WithBaseURL] the address comes from SANDFLARE_API_URL, else
// PANDAAGENT_BASE_URL, else it is [DefaultBaseURL]. Nothing is sent yet.
//
// The error Is [ErrMissingAPIKey] when there is no key and [ErrInvalidArgument]
// when an option or variable cannot be used.
func NewClient(opts ...Option) (*Client, error) {
	cfg := config{Config: transport.Config{MaxRetries: 3, MaxRetryDelay: 8 * time.Second}}
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(&cfg); err != nil {
			return nil, err
		}
	}
	if !cfg.keySet {
		cfg.Key = firstEnv("SANDFLARE_API_KEY", "PANDAAGENT_API_KEY", "AGENTBOX_API_KEY")
	}
	if strings.TrimSpace(cfg.Key) == "" {
		return nil, ErrMissingAPIKey
	}
	if cfg.BaseURL == "" {
		cfg.BaseURL = firstEnv("SANDFLARE_API_URL", "PANDAAGENT_BASE_URL")
	}
	if cfg.BaseURL == "" {
		cfg.BaseURL = DefaultBaseURL
	}
	cfg.UserAgent = strings.TrimSpace("sandflare-go/" + Version + " " + cfg.UserAgent)
	tr, err := transport.New(cfg.Config)
	if err != nil {
		return nil, invalid("new client", "%v", err)
	}
	return &Client{transport: tr}, nil
}

func firstEnv(names ...string) string {
	for _, name := range names {
		if value := strings.TrimSpace(os.Getenv(name)); value != "" {
			return value
		}
	}
	return ""
}

// WithAPIKey sets the key; it wins over the environment. Blanks around it are
// dropped. It is sent as X-API-Key and appears in no error and no log line.
func WithAPIKey(key string) Option {
	return func(c *config) error {
		c.Key, c.keySet = key, true
		return nil
	}
}

// WithBaseURL sets the address of the service; a path in it is kept as a
// prefix. It wins over the environment. http:// is accepted for this machine
// only, unless [WithInsecureHTTP] is given.
func WithBaseURL(rawURL string) Option {
	return func(c *config) error {
		if strings.TrimSpace(rawURL) == "" {
			return invalid("new client", "WithBaseURL needs an address such as %s", DefaultBaseURL)
		}
		c.BaseURL = rawURL
		return nil
	}
}

// WithHTTPClient sends calls through a copy of hc: its Transport and Jar are
// used. Its Timeout and CheckRedirect are not: deadlines come from contexts,
// and redirects are never followed, because the key would follow.
func WithHTTPClient(hc *http.Client) Option {
	return func(c *config) error {
		if hc == nil {
			return invalid("new client", "WithHTTPClient needs a client, not nil")
		}
		c.HTTPClient = hc
		return nil
	}
}

// WithMaxRetries sets how often a call may be tried again; the default is 3, 0 turns retries off.
func WithMaxRetries(n int) Option {
	return func(c *config) error {
		if n < 0 {
			return invalid("new client", "WithMaxRetries(%d): the number cannot be negative; 0 turns retries off", n)
		}
		c.MaxRetries = n
		return nil
	}
}

// WithMaxRetryDelay caps the pause before a retry; the default is 8 seconds. An
// answer whose Retry-After is longer is returned at once, with its RetryAfter set.
func WithMaxRetryDelay(d time.Duration) Option {
	return func(c *config) error {
		if d <= 0 {
			return invalid("new client", "WithMaxRetryDelay(%v): the pause must be positive; WithMaxRetries(0) turns retries off", d)
		}
		c.MaxRetryDelay = d
		return nil
	}
}

// WithLogger logs one line for each try of each call: operation, sandbox,
// attempt, status and duration. Keys, commands, paths, queries and bodies are
// never logged. The default is silence.
func WithLogger(l *slog.Logger) Option {
	return func(c *config) error {
		c.Logger = l
		return nil
	}
}

// WithUserAgent appends a product, such as "my-agent/1.2", to the User-Agent.
func WithUserAgent(product string) Option {
	return func(c *config) error {
		for _, r := range product {
			if r < ' ' || r > '~' {
				return invalid("new client", "WithUserAgent(%q): only printable ASCII can be sent", product)
			}
		}
		c.UserAgent = strings.TrimSpace(c.UserAgent + " " + product)
		return nil
	}
}

// WithInsecureHTTP allows http:// to a host that is not this machine. The key
// and everything else then travel in clear text.
func WithInsecureHTTP() Option {
	return func(c *config) error {
		c.Insecure = true
		return nil
	}
}

// CloseIdleConnections closes connections that no call is using. The client
// can be used on.
func (c *Client) CloseIdleConnections() {
	if c != nil && c.transport != nil {
		c.transport.CloseIdleConnections()
	}
}

// ready checks what every call needs before anything is sent.
func (c *Client) ready(ctx context.Context, op string) error {
	if c == nil || c.transport == nil {
		return invalid(op, "the client was not made by NewClient")
	}
	if ctx == nil {
		return invalid(op, "the context is nil; use context.Background()")
	}
	if err := ctx.Err(); err != nil {
		return &callError{op: op, err: contextError(ctx, err)}
	}
	return nil
}

// contextError is the error of an ended context, its cause included.
func contextError(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != err && cause != nil {
		return fmt.Errorf("%w: %w", err, cause)
	}
	return err
}
