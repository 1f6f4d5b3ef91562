package transport

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
)

const believed = 64 << 20 // of a Content-Length, before the bytes are there

// readAll takes the whole answer in. When it cannot, the attempt has failed.
func (a *attempt) readAll(resp *http.Response) (*http.Response, error) {
	defer a.end()
	a.call.lastStatus = resp.StatusCode
	body, err := readBounded(resp, a.limit())
	resp.Body.Close()
	if err == nil {
		err = a.cutJSON(resp, body)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = &CutError{Body: body, Err: err}
	}
	if err != nil {
		a.call.last = outcome{err: err, final: final(err), sent: true}
		return nil, err
	}
	a.call.last, a.call.answer = outcome{}, body
	resp.Body = http.NoBody
	return resp, nil
}

func (a *attempt) limit() int64 {
	if a.call.req.Limit > 0 {
		return a.call.req.Limit
	}
	return defaultLimit
}

// readBounded believes an announced length as far as memory goes, not as to where the body ends.
func readBounded(resp *http.Response, limit int64) ([]byte, error) {
	if resp.ContentLength > limit {
		return nil, &TooLargeError{Limit: limit}
	}
	from := io.LimitReader(resp.Body, limit+1)
	body := make([]byte, 0, max(512, min(resp.ContentLength, believed)+1)) // one more byte shows the end
	for {
		n, err := from.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case int64(len(body)) > limit:
			return nil, &TooLargeError{Limit: limit}
		case err == io.EOF:
			return body, nil
		case err != nil:
			return body, err
		case len(body) == cap(body):
			body = slices.Grow(body, 1)
		}
	}
}

// cutJSON finds a document that stops in the middle where the end of the
// connection is the only end of the body, so that the cut shows nowhere else.
// Files are taken as they are.
func (a *attempt) cutJSON(resp *http.Response, body []byte) error {
	framed := resp.ContentLength >= 0 || len(resp.TransferEncoding) > 0 || resp.ProtoMajor != 1 || resp.Uncompressed
	if framed || a.call.req.Accept == acceptFile || !looksLikeJSON(body) {
		return nil
	}
	var document json.RawMessage
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(&document); err == io.ErrUnexpectedEOF {
		return err
	}
	return nil
}

func looksLikeJSON(text []byte) bool {
	text = bytes.TrimSpace(text)
	return len(text) > 0 && (text[0] == '{' || text[0] == '[')
}
