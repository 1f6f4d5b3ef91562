package sandflare

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/sandflare/sandflare-go/internal/transport"
	"github.com/sandflare/sandflare-go/internal/wire"
)

// decoder reads the body of a success.
type decoder func(body []byte) error

// errRefused is a success status whose body reports a failure.
type errRefused struct{ text string }

func (e errRefused) Error() string { return e.text }

// into decodes one object, and refuses one that reports a failure.
func into(v any) decoder {
	return func(body []byte) error {
		if text := wire.Refused(body); text != "" {
			return errRefused{text}
		}
		return decodeObject(body, v)
	}
}

// intoAny decodes an object that may carry an error by right.
func intoAny(v any) decoder {
	return func(body []byte) error { return decodeObject(body, v) }
}

// naming refuses what d accepts when it does not tell the id: nobody could use what was made.
func naming(d decoder, id func() string) decoder {
	return func(body []byte) error {
		if err := d(body); err != nil {
			return err
		}
		if id() == "" {
			return errors.New("it has no id")
		}
		return nil
	}
}

func decodeObject(body []byte, v any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return errors.New("its body is empty")
	}
	return wire.Decode(body, v)
}

// intoList decodes a list, bare or under one of keys.
func intoList[T any](list *[]T, keys ...string) decoder {
	return func(body []byte) (err error) {
		if text := wire.Refused(body); text != "" {
			return errRefused{text}
		}
		if len(bytes.TrimSpace(body)) == 0 {
			return errors.New("its body is empty")
		}
		*list, err = wire.DecodeList[T](body, keys...)
		return err
	}
}

// ignored accepts any body that neither reports a failure nor is an edge's HTML page.
func ignored(body []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) {
		return errors.New("it is no JSON document")
	}
	if text := wire.Refused(body); text != "" {
		return errRefused{text}
	}
	return nil
}

// send makes one call and decodes its answer.
func (c *Client) send(ctx context.Context, op string, req transport.Request, decode decoder) error {
	if err := c.ready(ctx, op); err != nil {
		return err
	}
	resp, err := c.transport.Do(ctx, req)
	if err != nil {
		return failed(op, req, err)
	}
	if err = decode(resp.Body); err == nil {
		return nil
	}
	resp.Header, resp.Body = c.transport.RedactHeader(req, resp.Header), c.hidden(req, resp.Body)
	var refused errRefused
	if errors.As(err, &refused) {
		return &callError{op: op, attempts: resp.Attempts, err: apiError(req, resp.Status, resp.Header, resp.Body, 0)}
	}
	return unreadable(op, req, resp, c.discreet(req, err))
}

// hidden is the part of a body that errors show, without what they must not.
func (c *Client) hidden(req transport.Request, body []byte) []byte {
	return []byte(c.transport.Redact(req, string(body[:min(len(body), maxErrorBody)])))
}

const maxErrorBody = 64 << 10

// discreet takes out of an error's text what the request keeps secret.
func (c *Client) discreet(req transport.Request, err error) error {
	if text := c.transport.Redact(req, err.Error()); text != err.Error() {
		return transport.Discreet(text, err)
	}
	return err
}

// secrets are the texts that errors must not repeat: each whole, and its first
// lines by themselves. What is too short to be any would garble errors.
func secrets(texts ...string) []string {
	const shortest, lines = 8, 50
	for _, text := range slices.Clone(texts) {
		if strings.Contains(text, "\n") {
			texts = append(texts, strings.SplitN(text, "\n", lines+1)...)
		}
	}
	return slices.DeleteFunc(texts, func(text string) bool { return len(text) < shortest || len(text) > maxErrorBody })
}

// about makes a call about one thing by its id.
func (c *Client) about(ctx context.Context, op, what string, route wire.Route, id string, decode decoder) error {
	if err := checkSegment(op, what, id); err != nil {
		return err
	}
	return c.send(ctx, op, transport.Request{Route: route, Segments: []string{id}}, decode)
}

// convert turns records of the wire into the package's own.
func convert[From, To any](rows []From, one func(From) To) []To {
	list := make([]To, 0, len(rows))
	for _, row := range rows {
		list = append(list, one(row))
	}
	return list
}

// jsonBody is a JSON document as the body of a call; v can always be marshalled.
func jsonBody(v any) *transport.Body {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return &transport.Body{Open: func() (io.Reader, error) { return nil, err }}
	}
	return bytesBody("application/json", bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

func bytesBody(contentType string, data []byte) *transport.Body {
	return &transport.Body{
		ContentType: contentType,
		Size:        int64(len(data)),
		Replayable:  true,
		Open:        func() (io.Reader, error) { return bytes.NewReader(data), nil },
	}
}

// query encodes pairs of name and value in order, blanks as %20; a pair without value is left out.
func query(pairs ...string) string {
	var parts []string
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			parts = append(parts, pairs[i]+"="+strings.ReplaceAll(url.QueryEscape(pairs[i+1]), "+", "%20"))
		}
	}
	return strings.Join(parts, "&")
}

// queryJSON writes a map the way the service's first client does: sorted, a blank after colon and comma.
func queryJSON(m map[string]string) string {
	if len(m) == 0 {
		return ""
	}
	pairs := make([]string, 0, len(m))
	for k, v := range m {
		pairs = append(pairs, jsonText(k)+": "+jsonText(v))
	}
	sort.Strings(pairs)
	return "{" + strings.Join(pairs, ", ") + "}"
}

func jsonText(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes
	return strings.TrimSuffix(b.String(), "\n")
}

// whole rounds a duration up to whole units. It is the one place where durations become the API's numbers.
func whole(d, unit time.Duration) int {
	n := d / unit
	if d%unit > 0 {
		n++
	}
	return int(n)
}
