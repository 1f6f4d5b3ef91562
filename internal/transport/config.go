package transport

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	firstProduct     = "sandflare-sdk/1.0" // the service's edge blocks agents that do not begin so
	defaultBaseDelay = 250 * time.Millisecond
	defaultMaxDelay  = 8 * time.Second
	dialTimeout      = 10 * time.Second
	idlePerHost      = 128
)

// Config is what a Client is made of.
type Config struct {
	BaseURL       string
	Key           string
	UserAgent     string       // follows the product that the service expects: "sandflare-go/1.2.3 more"
	HTTPClient    *http.Client // copied; nil: a transport of our own
	MaxRetries    int
	MaxRetryDelay time.Duration // caps our own wait, and the Retry-After that is waited for; 0 = 8 s
	BaseDelay     time.Duration // first backoff step; 0 = 250 ms
	DialTimeout   time.Duration // of our own transport; 0 = 10 s
	Logger        *slog.Logger  // nil: silent
	Insecure      bool          // allow http:// to a host that is not loopback
}

// New checks a configuration and makes a client of it. Nothing is sent.
func New(config Config) (*Client, error) {
	base, err := cleanBaseURL(config.BaseURL, config.Insecure)
	if err != nil {
		return nil, err
	}
	config.BaseURL = base
	if config.Key, err = cleanKey(config.Key); err != nil {
		return nil, err
	}
	if !printable(config.UserAgent) {
		return nil, errors.New("the user agent may hold printable ASCII characters only")
	}
	if config.MaxRetries < 0 || config.MaxRetryDelay < 0 || config.BaseDelay < 0 || config.DialTimeout < 0 {
		return nil, errors.New("retries and delays must not be negative")
	}
	config.fillDefaults()
	request, err := http.NewRequest(http.MethodGet, base, nil)
	if err != nil {
		return nil, errUnreadable
	}
	return &Client{config: config, base: request, http: copyHTTPClient(config), headers: config.headers(), budget: newBudget()}, nil
}

func (c *Config) headers() http.Header {
	h := http.Header{}
	h.Set("X-API-Key", c.Key)
	h.Set("User-Agent", c.UserAgent)
	return h
}

func (c *Config) fillDefaults() {
	c.UserAgent = strings.TrimSpace(firstProduct + " " + strings.TrimSpace(c.UserAgent))
	setDefault(&c.MaxRetryDelay, defaultMaxDelay)
	setDefault(&c.BaseDelay, defaultBaseDelay)
	setDefault(&c.DialTimeout, dialTimeout)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
}

func setDefault(d *time.Duration, value time.Duration) {
	if *d == 0 {
		*d = value
	}
}

// copyHTTPClient takes transport and cookie jar of the given client. Its
// Timeout would cut streams, and its redirects would carry the key elsewhere.
func copyHTTPClient(config Config) http.Client {
	var hc http.Client
	if config.HTTPClient != nil {
		hc = *config.HTTPClient
	}
	if hc.Transport == nil {
		hc.Transport = newTransport(config.DialTimeout)
	}
	hc.Timeout = 0
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return hc
}

// newTransport is the default transport with room for many idle connections to
// one host: with the default two, every burst of calls dials anew.
func newTransport(dialTimeout time.Duration) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = dialPatiently(&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second})
	t.ForceAttemptHTTP2 = true
	t.TLSClientConfig = &tls.Config{ClientSessionCache: tls.NewLRUClientSessionCache(0)} // a cancelled call costs its connection: dial the next for less
	t.MaxIdleConns = 4 * idlePerHost
	t.MaxIdleConnsPerHost = idlePerHost
	t.OnProxyConnectResponse = refusedByProxy
	return t
}

// cleanKey drops blanks around a key. It never prints one.
func cleanKey(key string) (string, error) {
	key = strings.Trim(key, " \t\r\n")
	if key == "" {
		return "", errors.New("the API key is empty")
	}
	if !printable(key) {
		return "", errors.New("the API key holds a control or non-ASCII character; is it copied whole, and nothing else?")
	}
	if strings.ContainsAny(key, `"'`) {
		return "", errors.New("the API key holds a quotation mark; remove the quotes around it")
	}
	return key, nil
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// String leaves the key out.
func (c Config) String() string { return "transport to " + c.BaseURL }

// GoString leaves the key out.
func (c Config) GoString() string { return c.String() }
