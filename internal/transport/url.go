package transport

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
)

var errUnreadable = errors.New("the base URL cannot be read; it looks like https://host or http://127.0.0.1:8787")

// cleanBaseURL checks a base URL and returns it without trailing slashes. Its
// errors do not repeat the URL: it may hold a password.
func cleanBaseURL(raw string, insecure bool) (string, error) {
	raw = strings.TrimSpace(raw)
	if !strings.Contains(raw, "://") {
		return "", errors.New("the base URL has no scheme; it begins with https://, or http:// for this machine")
	}
	if strings.ContainsAny(raw, "?#") {
		return "", errors.New("the base URL must not have a query or a fragment")
	}
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" {
		return "", errUnreadable
	}
	if err := checkBaseURL(u, insecure); err != nil {
		return "", err
	}
	return strings.TrimRight(u.String(), "/"), nil
}

func checkBaseURL(u *url.URL, insecure bool) error {
	switch {
	case u.User != nil:
		return errors.New("the base URL must not have a user name or password")
	case hasDotSegment(u.Path):
		return errors.New(`the base URL's path must not have "." or ".." in it`)
	case u.Scheme == "https":
		return nil
	case u.Scheme != "http":
		return errors.New("the base URL's scheme must be https, or http for this machine")
	case !insecure && !loopback(u.Hostname()):
		return errors.New("the base URL is http:// to another machine: the API key would travel in clear text; use https://, or allow it with WithInsecureHTTP")
	}
	return nil
}

// hasDotSegment finds what servers resolve: the call would end at another path.
func hasDotSegment(path string) bool {
	for part := range strings.SplitSeq(path, "/") {
		if part == "." || part == ".." {
			return true
		}
	}
	return false
}

func loopback(host string) bool {
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// target is the URL of a request. Its parts are known: nothing has to be parsed.
func (c *Client) target(req Request) *url.URL {
	target := *c.base.URL
	target.RawQuery = req.Query
	path := target.EscapedPath() + req.Route.Fill(req.Segments...)
	if plain := !strings.Contains(path, "%"); plain {
		target.Path = path
	} else {
		target.RawPath = path
		target.Path, _ = url.PathUnescape(path) // it was escaped here
	}
	return &target
}
