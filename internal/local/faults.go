package local

import (
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/sandflare/sandflare-go/internal/wire"
)

// The kinds of faults.
const (
	FaultStatus     = "status"           // answered with a status, nothing done
	FaultReset      = "reset"            // connection reset, nothing done
	FaultLoseAnswer = "lose_answer"      // done, connection reset instead of the answer
	FaultDelay      = "delay"            // done and answered, later
	FaultTruncate   = "truncate_after"   // done, answer cut after some bytes
	FaultStall      = "stall_after"      // done, answer stops after some bytes, connection open
	FaultDropDone   = "drop_before_done" // done, stream ends without its done event
)

// Fault is what goes wrong with one request.
type Fault struct {
	Kind    string            `json:"kind"`
	Status  int               `json:"status,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	DelayMS int64             `json:"delay_ms,omitempty"`
	Bytes   int64             `json:"bytes,omitempty"`
}

// check refuses a fault that could not happen to an operation.
func (f Fault) check(op string) error {
	switch f.Kind {
	case FaultStatus:
		if f.Status < 200 || f.Status > 999 {
			return badRequest("a fault's status is %d: it must be 200 to 999", f.Status)
		}
	case FaultReset, FaultLoseAnswer:
	case FaultDropDone:
		if op != wire.ExecStream.Op {
			return badRequest("the fault %q is for %s: nothing else has a done event", f.Kind, wire.ExecStream.Op)
		}
	case FaultDelay, FaultTruncate, FaultStall:
		if f.DelayMS < 0 || f.Bytes < 0 {
			return badRequest("a fault's delay and bytes cannot be negative")
		}
	default:
		return badRequest("there is no fault %q", f.Kind)
	}
	return nil
}

// refusal is the answer of a status fault. A 429 without Retry-After is the
// service's plan limit, which names the way to lift it.
func (f Fault) refusal() error {
	err := &apiError{status: f.Status, text: fmt.Sprintf("a planned fault: status %d", f.Status)}
	if f.Status == http.StatusTooManyRequests && f.header().Get("Retry-After") == "" {
		err.upgradeURL = "https://sandflare.io/pricing"
	}
	return err
}

// header is what the answer has, whatever letter case it was planned in.
func (f Fault) header() http.Header {
	header := http.Header{}
	for name, value := range f.Headers {
		header.Set(name, value)
	}
	return header
}

// faults are planned per operation and happen in order, each once.
type faults struct {
	mu    sync.Mutex
	plans map[string][]Fault
}

func (f *faults) plan(op string, list ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.plans == nil {
		f.plans = map[string][]Fault{}
	}
	f.plans[op] = append(f.plans[op], list...)
}

// next takes the fault that is due.
func (f *faults) next(op string) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	plan := f.plans[op]
	if len(plan) == 0 {
		return Fault{}, false
	}
	f.plans[op] = plan[1:]
	return plan[0], true
}

// unused are the faults that did not happen yet, as "operation: kind", sorted.
func (f *faults) unused() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := []string{}
	for op, plan := range f.plans {
		for _, fault := range plan {
			list = append(list, op+": "+fault.Kind)
		}
	}
	slices.Sort(list)
	return list
}

func (f *faults) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.plans = nil
}

// PlanFaults has the next requests of an operation go wrong, one fault each.
func (s *Server) PlanFaults(op string, list ...Fault) error {
	if !slices.Contains(s.operations, op) {
		return badRequest("there is no operation %q; they are %q", op, s.operations)
	}
	for _, fault := range list {
		if err := fault.check(op); err != nil {
			return err
		}
	}
	s.faults.plan(op, list...)
	return nil
}

// UnusedFaults lists the planned faults that did not happen yet.
func (s *Server) UnusedFaults() []string { return s.faults.unused() }

// work does a call, or what a planned fault makes of it.
func (s *Server) work(op string, h handler, w *answer, r *http.Request) error {
	fault, planned := s.faults.next(op)
	if !planned {
		return h(w, r)
	}
	switch fault.Kind {
	case FaultStatus:
		maps.Copy(w.Header(), fault.header())
		return fault.refusal()
	case FaultReset:
		return resetConnection(w)
	case FaultLoseAnswer:
		_ = h(&lostAnswer{header: http.Header{}}, r) // nobody will hear of it
		return resetConnection(w)
	case FaultDelay:
		select {
		case <-time.After(time.Duration(fault.DelayMS) * time.Millisecond):
		case <-r.Context().Done():
			return r.Context().Err()
		}
		return h(w, r)
	case FaultDropDone:
		return h(&donelessAnswer{answer: w}, r)
	default:
		return h(&cutAnswer{answer: w, left: fault.Bytes, stall: fault.Kind == FaultStall, gone: r.Context().Done()}, r)
	}
}

// resetConnection ends a connection as a crash would: RST in TCP, RST_STREAM in HTTP/2.
func resetConnection(w *answer) error {
	conn, _, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil { // HTTP/2
		panic(http.ErrAbortHandler)
	}
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
	return nil
}

// planFaults takes {"operation": …, "faults": [{"kind": …}]}.
func (s *Server) planFaults(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Operation string  `json:"operation"`
		Faults    []Fault `json:"faults"`
	}
	if err := decode(r, &body); err != nil {
		return err
	}
	if err := s.PlanFaults(body.Operation, body.Faults...); err != nil {
		return err
	}
	return s.listFaults(w, r)
}

func (s *Server) listFaults(w http.ResponseWriter, _ *http.Request) error {
	return reply(w, map[string]any{"unused": s.UnusedFaults(), "operations": s.operations})
}

func (s *Server) clearFaults(w http.ResponseWriter, _ *http.Request) error {
	s.faults.clear()
	return reply(w, done{Status: "cleared"})
}

// noteOperation keeps the names that faults may be planned for.
func (s *Server) noteOperation(c call) {
	for _, op := range []string{c.Op, c.searchOp()} {
		if op != "" && !slices.Contains(s.operations, op) {
			s.operations = append(s.operations, op)
			slices.Sort(s.operations)
		}
	}
}

// searchOp is the second name of a memory list.
func (c call) searchOp() string {
	if c.Op == wire.UserMemoryList.Op {
		return wire.UserMemorySearch.Op
	}
	return ""
}
