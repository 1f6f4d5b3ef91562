package local

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
)

const (
	maxJournalBody = 64 << 10
	maxJournal     = 10_000 // requests kept, the newest
)

// Request is one request as the journal keeps it.
type Request struct {
	Operation string      `json:"operation"` // "sandbox.create", …; empty when the path is no call
	Method    string      `json:"method"`
	Path      string      `json:"path"`
	Query     url.Values  `json:"query"`
	Header    http.Header `json:"header"` // key redacted
	Body      []byte      `json:"body"`   // first 64 KiB
	Status    int         `json:"status"` // 0 while it runs, and when the connection was reset
}

// journal keeps the requests in the order of their arrival.
type journal struct {
	mu       sync.Mutex
	requests []*Request
}

func (j *journal) begin(op string, r *http.Request) *Request {
	header := r.Header.Clone()
	for _, name := range []string{keyHeader, "Authorization", "Cookie"} {
		if header.Get(name) != "" {
			header.Set(name, "[hidden]")
		}
	}
	entry := &Request{Operation: op, Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(), Header: header}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.requests = append(j.requests, entry)
	if len(j.requests) > maxJournal {
		j.requests = slices.Clone(j.requests[maxJournal/10:])
	}
	return entry
}

func (j *journal) end(entry *Request, status int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	entry.Status = status
}

// body notes what is read of a body, up to the limit.
func (j *journal) body(entry *Request, body io.ReadCloser) io.ReadCloser {
	return &notedBody{ReadCloser: body, note: func(data []byte) {
		j.mu.Lock()
		defer j.mu.Unlock()
		room := maxJournalBody - len(entry.Body)
		entry.Body = append(entry.Body, data[:min(room, len(data))]...)
	}}
}

type notedBody struct {
	io.ReadCloser
	note func([]byte)
}

func (b *notedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.note(p[:n])
	return n, err
}

// list is a copy.
func (j *journal) list() []Request {
	j.mu.Lock()
	defer j.mu.Unlock()
	list := make([]Request, len(j.requests))
	for i, entry := range j.requests {
		list[i] = *entry
		list[i].Body = bytes.Clone(entry.Body)
	}
	return list
}

func (j *journal) clear() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.requests = nil
}
