package soak_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/internal/local"
	"github.com/sandflare/sandflare-go/internal/wire"
)

// scissors cut connections: any that is open, at any moment.
type scissors struct {
	mu   sync.Mutex
	open map[*net.TCPConn]bool
	cuts int
}

func (s *scissors) client() *http.Client {
	rt := http.DefaultTransport.(*http.Transport).Clone()
	rt.MaxIdleConnsPerHost = 100
	rt.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.open[conn.(*net.TCPConn)] = true
		return &watched{conn.(*net.TCPConn), s}, nil
	}
	return &http.Client{Transport: rt}
}

// watched says when it is closed.
type watched struct {
	*net.TCPConn
	by *scissors
}

func (w *watched) Close() error {
	w.by.mu.Lock()
	delete(w.by.open, w.TCPConn)
	w.by.mu.Unlock()
	return w.TCPConn.Close()
}

// cut resets one connection.
func (s *scissors) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.open { // any: the order of a map is random
		_ = conn.SetLinger(0)
		_ = conn.Close()
		delete(s.open, conn)
		s.cuts++
		return
	}
}

// mishaps are what is planned beside the cuts.
var mishaps = []local.Fault{
	{Kind: local.FaultReset}, {Kind: local.FaultLoseAnswer}, {Kind: local.FaultTruncate, Bytes: 1}, {Kind: local.FaultDropDone},
	{Kind: local.FaultDelay, DelayMS: 20}, {Kind: local.FaultStatus, Status: 502}, {Kind: local.FaultStatus, Status: 503},
	{Kind: local.FaultStatus, Status: 503, Headers: map[string]string{"Retry-After": "0"}},
	{Kind: local.FaultStatus, Status: 429, Headers: map[string]string{"Retry-After": "0"}}, {Kind: local.FaultStatus, Status: 429},
}

// torment makes things go wrong until it is stopped, and returns how many it planned.
func torment(ctx context.Context, srv *local.Server, s *scissors) (planned int) {
	for {
		select {
		case <-ctx.Done():
			return planned
		case <-time.After(time.Duration(1+rand.IntN(5)) * time.Millisecond):
		}
		if rand.IntN(2) == 0 {
			s.cut()
			continue
		}
		if len(srv.UnusedFaults()) < 8 {
			op := []string{wire.Exec.Op, wire.ExecStream.Op}[rand.IntN(2)]
			if srv.PlanFaults(op, mishaps[rand.IntN(len(mishaps))]) == nil {
				planned++
			}
		}
	}
}

// A tally is what the callers were told of their commands.
type tally struct {
	mu                     sync.Mutex
	done, unknown, refused map[string]bool
}

func (a *tally) note(t *testing.T, id string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var api *sandflare.APIError
	switch {
	case err == nil:
		a.done[id] = true
	case errors.Is(err, sandflare.ErrOutcomeUnknown), errors.Is(err, sandflare.ErrStreamInterrupted):
		a.unknown[id] = true
	case errors.As(err, &api):
		a.refused[id] = true
	default:
		t.Errorf("%s: %v", id, err)
	}
}

// Connections are cut at random and faults happen at random. Each command adds
// one line to a file: exactly one when its caller was told that it ran, one or
// none when it was told that nobody knows, none when it was refused.
func TestSoak(t *testing.T) {
	s := &scissors{open: map[*net.TCPConn]bool{}}
	srv := start(t)
	client := clientOf(t, srv, sandflare.WithHTTPClient(s.client()), sandflare.WithMaxRetryDelay(5*time.Millisecond))
	calm := clientOf(t, srv)
	const callers = 8
	told := &tally{done: map[string]bool{}, unknown: map[string]bool{}, refused: map[string]bool{}}
	boxes := make([]*sandflare.Sandbox, callers)
	for i := range boxes {
		sb, err := calm.CreateSandbox(t.Context(), nil)
		require.NoError(t, err)
		boxes[i] = sb
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Duration(full(30, 3))*time.Second)
	defer stop()
	begin := time.Now()
	var all sync.WaitGroup
	for i, sb := range boxes {
		all.Go(func() {
			sb := client.Sandbox(sb.Name())
			for n := 0; ctx.Err() == nil; n++ {
				id := fmt.Sprintf("%d-%d", i, n)
				told.note(t, id, increment(t.Context(), sb, id))
			}
		})
	}
	planned := torment(ctx, srv, s)
	all.Wait()
	ran := map[string]int{}
	for _, sb := range boxes {
		for _, id := range lines(t, calm.Sandbox(sb.Name()), "ran") {
			ran[id]++
		}
	}
	told.compare(t, ran)
	figures(t, "commands", len(told.done)+len(told.unknown)+len(told.refused), begin)
	t.Logf("%d connections cut, %d faults planned: %d commands done, %d unknown, %d refused; %d lines", s.cuts, planned,
		len(told.done), len(told.unknown), len(told.refused), len(ran))
	assert.NotEmpty(t, told.done)
	assert.NotEmpty(t, told.unknown, "something went wrong")
}

// increment adds a line, by exec or by stream.
func increment(ctx context.Context, sb *sandflare.Sandbox, id string) error {
	command := "echo " + id + " >> ran"
	run := func() (*sandflare.ExecResult, error) { return sb.Exec(ctx, command, nil) }
	if strings.HasSuffix(id, "3") {
		run = func() (*sandflare.ExecResult, error) { return sandflare.CollectExec(sb.ExecStream(ctx, command, nil)) }
	}
	result, err := run()
	if err == nil && !result.OK() {
		return fmt.Errorf("%+v", result) // nobody asked for that
	}
	return err
}

// compare finds every command that ran more often, or less, than its caller was told.
func (a *tally) compare(t *testing.T, ran map[string]int) {
	t.Helper()
	unknownRan := 0
	for id, times := range ran {
		assert.Equal(t, 1, times, "%s ran more than once", id)
		assert.False(t, a.refused[id], "%s was refused, and ran", id)
		if a.unknown[id] {
			unknownRan++
		}
	}
	for id := range a.done {
		assert.Equal(t, 1, ran[id], "%s was done, and did not run", id)
	}
	assert.Equal(t, len(ran), len(a.done)+unknownRan, "the sums agree")
}

func lines(t *testing.T, sb *sandflare.Sandbox, path string) []string {
	t.Helper()
	result, err := sb.Exec(t.Context(), "touch "+path+"; cat "+path, nil)
	require.NoError(t, err)
	return strings.Fields(result.Stdout)
}
