package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
)

// explain turns an error of net/http into one that helps: no URL, no key, and
// words about what to do where the cause is known.
func (c *call) explain(err error) error {
	err = withoutAdvice(withoutURL(err))
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return &explained{fmt.Sprintf("no such host %q: check SANDFLARE_API_URL", dns.Name), err}
	case errors.Is(err, syscall.ECONNREFUSED) && !throughProxy(err):
		return &explained{fmt.Sprintf("connection refused by %s: is the service running there?", c.client.config.BaseURL), err}
	case certificate(err):
		return &explained{fmt.Sprintf("the certificate of %s is not trusted: %s", c.client.config.BaseURL, reason(err)), err}
	case plainHTTP(err):
		return &explained{"the server does not speak TLS: is https:// in SANDFLARE_API_URL right?", err}
	case errors.Is(err, io.EOF):
		return &explained{"the connection was closed without an answer", io.ErrUnexpectedEOF}
	case malformed(err):
		return c.protocolError(err)
	}
	return c.redacted(err)
}

// permanent is true for errors that the next attempt would meet again.
func permanent(err error) bool {
	var dns *net.DNSError
	var proxy *proxyError
	return errors.As(err, &dns) && dns.IsNotFound || certificate(err) || plainHTTP(err) || errors.As(err, &proxy)
}

// final is permanent for errors of an answer's body.
func final(err error) bool {
	var large *TooLargeError
	return errors.As(err, &large) || errors.Is(err, context.Canceled)
}

// explained has a text of its own and keeps its cause.
type explained struct {
	text string
	err  error
}

func (e *explained) Error() string { return e.text }
func (e *explained) Unwrap() error { return e.err }

// withoutURL drops the wrappers that print the URL.
func withoutURL(err error) error {
	var wrapped *url.Error
	for errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return err
}

// withoutAdvice takes from net/http's text what only this package could follow.
func withoutAdvice(err error) error {
	_, text, ours := strings.Cut(err.Error(), "cannot retry err [")
	text, _, cut := strings.Cut(text, "] after Request.Body was written")
	if ours && cut {
		return &explained{text, err}
	}
	return err
}

func throughProxy(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "proxyconnect"
}

func certificate(err error) bool {
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &host) || errors.As(err, &invalid)
}

func reason(err error) string {
	var verification *tls.CertificateVerificationError
	if errors.As(err, &verification) {
		err = verification.Err
	}
	return strings.TrimPrefix(err.Error(), "x509: ")
}

func plainHTTP(err error) bool {
	var record tls.RecordHeaderError
	return errors.Is(err, http.ErrSchemeMismatch) || errors.As(err, &record)
}

// ProtocolError is an answer that is not HTTP.
type ProtocolError struct {
	Detail string
	Err    error
}

// Error shows the beginning of what came.
func (e *ProtocolError) Error() string { return "the answer is not valid HTTP: " + e.Detail }

// Unwrap returns net/http's error.
func (e *ProtocolError) Unwrap() error { return e.Err }

// malformed recognises net/http's parse errors, which have no type.
func malformed(err error) bool {
	text := err.Error()
	for _, sign := range []string{"malformed", "Content-Length", "too many transfer encodings",
		"unsupported transfer encoding", "gzip: invalid header", "server response headers exceeded"} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}

func (c *call) protocolError(err error) error {
	detail := c.redact(err.Error())
	if strings.Contains(detail, `\x15\x03`) {
		detail = "it looks like TLS; use https:// in SANDFLARE_API_URL"
	}
	const most = 200
	if len(detail) > most {
		detail = strings.ToValidUTF8(detail[:most], "") + "…"
	}
	return &ProtocolError{Detail: detail, Err: c.redacted(err)}
}

// proxyError is a proxy's refusal to connect.
type proxyError struct{ status string }

func (e *proxyError) Error() string { return "the proxy refused to connect: " + e.status }

func refusedByProxy(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	return &proxyError{status: resp.Status}
}
