package transport

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const shortestSecret = 4 // hiding shorter ones would garble texts

// Redact hides the key, the query, which may hold a command, and the request's
// secrets where a server or a foreign transport repeats them.
func (c *Client) Redact(req Request, text string) string {
	for _, secret := range c.secrets(req) {
		for _, form := range forms(secret) {
			text = strings.ReplaceAll(text, form, hidden)
		}
	}
	if looksLikeJSON([]byte(text)) {
		return c.redactJSON(req, text)
	}
	return text
}

const hidden = "[hidden]"

func (c *Client) secrets(req Request) []string {
	list := append([]string{c.config.Key, req.Query}, req.Secrets...)
	return slices.DeleteFunc(list, func(s string) bool { return len(s) < shortestSecret })
}

// forms are how a text stands in plain text, in JSON and in URLs.
func forms(text string) []string {
	inJSON, _ := json.Marshal(text) // a text always can
	inURL := url.QueryEscape(text)
	list := []string{text, strings.Trim(string(inJSON), `"`), inURL, strings.ReplaceAll(inURL, "+", "%20")}
	slices.Sort(list)
	return slices.Compact(list)
}

// redactJSON hides what a document repeats in another spelling: JSON can write
// each character in several ways, and services differ in how they do.
func (c *Client) redactJSON(req Request, text string) string {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var document any
	if !strings.Contains(text, `\`) || dec.Decode(&document) != nil {
		return text
	}
	found := false
	document = eachText(document, func(s string) string {
		for _, secret := range c.secrets(req) {
			found = found || strings.Contains(s, secret)
			s = strings.ReplaceAll(s, secret, hidden)
		}
		return s
	})
	if !found {
		return text
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(document) // it was decoded here
	return strings.TrimSuffix(out.String(), "\n")
}

// eachText changes all texts of a document, the keys of objects included.
func eachText(v any, change func(string) string) any {
	switch v := v.(type) {
	case string:
		return change(v)
	case []any:
		for i := range v {
			v[i] = eachText(v[i], change)
		}
	case map[string]any:
		object := make(map[string]any, len(v))
		for key, value := range v {
			object[change(key)] = eachText(value, change)
		}
		return object
	}
	return v
}

// RedactHeader is a copy of an answer's header without what Redact hides.
func (c *Client) RedactHeader(req Request, header http.Header) http.Header {
	clean := header.Clone()
	for _, values := range clean {
		for i, value := range values {
			values[i] = c.Redact(req, value)
		}
	}
	return clean
}

func (c *call) redact(text string) string { return c.client.Redact(c.req, text) }

func (c *call) redacted(err error) error {
	if text := c.redact(err.Error()); text != err.Error() {
		return &DiscreetError{text, err}
	}
	return err
}

// DiscreetError has a text of its own. Its cause can be asked for with
// errors.Is and errors.As, but not unwrapped: its text says too much.
type DiscreetError struct {
	text  string
	cause error
}

// Discreet gives an error another text, and hides its own.
func Discreet(text string, cause error) *DiscreetError { return &DiscreetError{text, cause} }

// Error gives the new text.
func (e *DiscreetError) Error() string { return e.text }

// Is looks at the cause.
func (e *DiscreetError) Is(target error) bool { return errors.Is(e.cause, target) }

// As looks at the cause.
func (e *DiscreetError) As(target any) bool { return errors.As(e.cause, target) }
