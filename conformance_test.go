package sandflare_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/internal/wire"
	"github.com/sandflare/sandflare-go/sandflaretest"
)

// A mishap is what goes wrong with the requests of one operation, one fault
// each, and what the calls of each class make of it.
type mishap struct {
	faults []sandflaretest.Fault
	done   int // how many of the faults do the work
	again  verdict
	effect verdict
	create verdict // zero: as effect
}

// A verdict is what must come of it. The call is made until every fault has happened.
type verdict struct {
	calls, requests, runs int   // of all calls together
	err                   error // that each call's error Is; nil: success
	status                int   // of the answer behind the error
}

func repeated(n int, f sandflaretest.Fault) []sandflaretest.Fault {
	list := make([]sandflaretest.Fault, n)
	for i := range list {
		list[i] = f
	}
	return list
}

var (
	unavailable = sandflaretest.Status(503)
	lostOnce    = verdict{1, 1, 1, nil, 0}
)

var mishaps = map[string]mishap{
	"503 twice": {faults: repeated(2, unavailable),
		again: verdict{1, 3, 1, nil, 0}, effect: verdict{2, 2, 0, sandflare.ErrOutcomeUnknown, 503}},
	"reset twice": {faults: repeated(2, sandflaretest.Reset()),
		again: verdict{1, 3, 1, nil, 0}, effect: verdict{2, 2, 0, sandflare.ErrOutcomeUnknown, 0}},
	"reset then 503": {faults: []sandflaretest.Fault{sandflaretest.Reset(), unavailable},
		again: verdict{1, 3, 1, nil, 0}, effect: verdict{2, 2, 0, sandflare.ErrOutcomeUnknown, 0}},
	"503 for ever": {faults: repeated(4, unavailable),
		again: verdict{1, 4, 0, errAny, 503}, effect: verdict{4, 4, 0, sandflare.ErrOutcomeUnknown, 503}},
	"answer lost": {faults: []sandflaretest.Fault{sandflaretest.LoseAnswer()}, done: 1,
		again: verdict{1, 2, 2, nil, 0}, effect: verdict{1, 1, 1, sandflare.ErrOutcomeUnknown, 0}, create: lostOnce},
	"body cut": {faults: []sandflaretest.Fault{sandflaretest.TruncateAfter(1)}, done: 1,
		again: verdict{1, 2, 2, nil, 0}, effect: verdict{1, 1, 1, sandflare.ErrOutcomeUnknown, 0}, create: lostOnce},
	"429 plan limit": {faults: []sandflaretest.Fault{sandflaretest.Status(429)},
		again: verdict{1, 1, 0, sandflare.ErrPlanLimit, 429}, effect: verdict{1, 1, 0, sandflare.ErrPlanLimit, 429}},
	"429 with Retry-After": {faults: []sandflaretest.Fault{sandflaretest.Status(429, "Retry-After", "0")},
		again: verdict{1, 2, 1, nil, 0}, effect: verdict{1, 2, 1, nil, 0}},
}

// errAny stands for an error without a sentinel.
var errAny = errors.New("any")

// cutOpen are the calls whose answer is handed on as it comes: what was cut
// behind its beginning is not asked for again.
var cutOpen = map[string]error{
	"Sandbox.ExecStream": sandflare.ErrStreamInterrupted, "Sandbox.Download": io.ErrUnexpectedEOF, "Sandbox.DownloadFile": io.ErrUnexpectedEOF,
}

func (m method) verdict(name string, p mishap) verdict {
	err, open := cutOpen[m.name]
	switch {
	case name == "body cut" && open:
		return verdict{1, 1, 1, err, 0}
	case m.route == wire.SandboxCreate && p.create != verdict{}:
		return p.create
	case m.route.Class == wire.Effect:
		return p.effect
	}
	return p.again
}

// TestFaults_R9_Conformance has every method meet every mishap on the local
// Sandflare: how many requests it makes, how often its work is done, and what
// its caller learns. A method that is not in the table fails TestSurfaceIsComplete.
func TestFaults_R9_Conformance(t *testing.T) {
	forEach(t, func(t *testing.T, m method) {
		s := newStage(t, m)
		for name, p := range mishaps {
			t.Run(name, func(t *testing.T) { s.meet(t, m.verdict(name, p), p) })
		}
	})
}

// meet makes the calls and compares.
func (s *stage) meet(t *testing.T, want verdict, p mishap) {
	at := s.set(t)
	before, mark := s.count(t, at), len(s.srv.Requests())
	s.srv.Faults().On(s.method.route.Op).Then(p.faults...)
	for range want.calls {
		s.judge(t, want, s.call(t, want, at))
	}
	require.Empty(t, s.srv.Faults().Unused(), "every fault has happened")
	requests := 0
	for _, r := range s.srv.Requests()[mark:] {
		if r.Operation == s.method.route.Op {
			requests++
		}
	}
	assert.Equal(t, want.requests, requests, "requests")
	runs := requests - len(p.faults) + p.done // those that reached the work
	if s.method.route.Class == wire.Effect {
		runs = s.count(t, at) - before
		for end := time.Now().Add(5 * time.Second); runs < want.runs && time.Now().Before(end); { // a killed process takes a moment to go
			runs = s.count(t, at) - before
		}
	}
	assert.Equal(t, want.runs, runs, "executions")
}

func (s *stage) judge(t *testing.T, want verdict, err error) {
	t.Helper()
	if want.err == nil {
		require.NoError(t, err)
		return
	}
	require.Error(t, err)
	if want.err != errAny {
		require.ErrorIs(t, err, want.err)
	}
	assert.Equal(t, want.err == sandflare.ErrOutcomeUnknown, errors.Is(err, sandflare.ErrOutcomeUnknown), err)
	var api *sandflare.APIError
	if want.status != 0 && assert.ErrorAs(t, err, &api) {
		assert.Equal(t, want.status, api.StatusCode)
	}
	assert.NotContains(t, err.Error(), s.srv.APIKey())
}

// call makes the call. A create that was lost is looked for during 15 seconds;
// here its caller leaves after the first look.
func (s *stage) call(t *testing.T, want verdict, at things) error {
	if s.method.route != wire.SandboxCreate || want.err == nil {
		return s.method.do(t.Context(), s.client, at)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	looks := &afterLook{Transport: http.DefaultTransport.(*http.Transport).Clone(), cancel: cancel}
	return s.method.do(ctx, s.newClient(sandflare.WithHTTPClient(&http.Client{Transport: looks})), at)
}

func (s *stage) newClient(opts ...sandflare.Option) *sandflare.Client {
	return s.srv.Client(append([]sandflare.Option{sandflare.WithMaxRetryDelay(time.Millisecond)}, opts...)...)
}

// afterLook cancels a call behind the answer of its first list.
type afterLook struct {
	*http.Transport
	cancel func()
}

func (a *afterLook) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := a.Transport.RoundTrip(r)
	if err == nil && r.Method == http.MethodGet {
		resp.Body = &cancelAtEnd{resp.Body, a.cancel}
	}
	return resp, err
}

type cancelAtEnd struct {
	io.ReadCloser
	cancel func()
}

func (c *cancelAtEnd) Close() error {
	c.cancel()
	return c.ReadCloser.Close()
}
