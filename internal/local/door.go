package local

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/sandflare/sandflare-go/internal/wire"
)

const (
	keyHeader   = "X-Api-Key"
	maxJSONBody = 64 << 20
)

// handler answers one call, or returns the error to answer with.
type handler func(w http.ResponseWriter, r *http.Request) error

// call is a route with what the door must know of it.
type call struct {
	wire.Route
	streamed bool // the handler reads the body itself, as it comes
	private  bool // not in the journal
}

// operation is the call's name in the journal; a memory list with a query is a search.
func (c call) operation(r *http.Request) string {
	if search := c.searchOp(); search != "" && r.URL.Query().Has("q") {
		return search
	}
	return c.Op
}

// through is the one place that every request passes: it keeps the journal,
// guards the door, has the body whole before anything is done, and answers errors.
func (s *Server) through(c call, h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.calls.RLock() // Close waits for us
		defer s.calls.RUnlock()
		r = r.WithContext(r.Context()) // a copy: net/http looks at its own body to see a client that waits for "100 Continue"
		answer := &answer{ResponseWriter: w}
		if !c.private {
			entry := s.journal.begin(c.operation(r), r)
			r.Body = s.journal.body(entry, r.Body)
			defer func() { s.journal.end(entry, answer.status) }()
		}
		err := s.admit(c, r)
		if err == nil && !c.streamed {
			err = readWhole(w, r)
		}
		if err == nil {
			err = s.work(c.operation(r), h, answer, r)
		}
		if err != nil {
			answer.fail(err)
		}
	}
}

// admit refuses whoever has no key, and browsers: a page that knows the port
// must not reach the API, under a host name of its own neither.
func (s *Server) admit(c call, r *http.Request) error {
	switch {
	case !loopbackHost(r.Host):
		return &apiError{status: http.StatusMisdirectedRequest, text: "the local Sandflare answers to 127.0.0.1 and localhost only"}
	case r.Header.Get("Origin") != "":
		return &apiError{status: http.StatusForbidden, text: "the local Sandflare answers no browser: the request has an Origin"}
	case !s.knows(r.Header.Get(keyHeader)):
		return &apiError{status: http.StatusUnauthorized, text: "missing or wrong API key: send the one that the local Sandflare printed as X-API-Key"}
	case c.Method != r.Method: // no such call; or HEAD, which must not run what a GET runs
		return notFound("no such call: %s %s", r.Method, r.URL.Path)
	}
	if _, err := url.ParseQuery(r.URL.RawQuery); err != nil { // what Query() drops without a word
		return badRequest("the query cannot be read: %v", err)
	}
	return nil
}

func (s *Server) knows(key string) bool {
	given, want := sha256.Sum256([]byte(key)), sha256.Sum256([]byte(s.key))
	return subtle.ConstantTimeCompare(given[:], want[:]) == 1
}

func loopbackHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

func readWhole(w http.ResponseWriter, r *http.Request) error {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxJSONBody))
	if err != nil {
		return bodyError(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(data))
	return nil
}

func bodyError(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	return badRequest("the body ended early: %v", err)
}

// plainPath reports a path that is what it says: the mux would answer others
// with a redirect, before the door.
func plainPath(r *http.Request) bool {
	p := r.URL.Path
	return p == "*" || p == path.Clean(p)
}

// answer notes how a call was answered.
type answer struct {
	http.ResponseWriter
	status int
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(p)
}

// ReadFrom keeps the connection's own fast way for files.
func (a *answer) ReadFrom(src io.Reader) (int64, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return io.Copy(a.ResponseWriter, src)
}

func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// fail reports an error; what has begun is cut off, so that nobody takes it for whole.
func (a *answer) fail(err error) {
	if a.status != 0 {
		panic(http.ErrAbortHandler)
	}
	status, body := answerFor(err)
	_ = writeJSON(a, status, body)
}
