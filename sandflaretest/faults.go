package sandflaretest

import (
	"time"

	"github.com/sandflare/sandflare-go/internal/local"
)

// Faults plans what goes wrong, per operation:
//
//	srv.Faults().On("sandbox.exec").Then(sandflaretest.LoseAnswer(), sandflaretest.Status(503))
//
// The next exec is then run and its answer lost, the one after it is refused,
// and from then on all is well again. Requests that a fault answers are in
// [Server.Requests], too.
type Faults struct{ server *Server }

// Faults returns the server's plan of faults.
func (s *Server) Faults() *Faults { return &Faults{s} }

// On returns the plan of one operation, named as in [Request]. An operation
// that does not exist fails the test.
func (f *Faults) On(operation string) *FaultPlan {
	f.server.tb.Helper()
	plan := &FaultPlan{server: f.server, operation: operation}
	return plan.Then()
}

// Unused lists the faults that did not happen yet, as "operation: kind". A test
// that plans faults should end with an empty list.
func (f *Faults) Unused() []string { return f.server.local.UnusedFaults() }

// FaultPlan is what goes wrong with the next requests of one operation.
type FaultPlan struct {
	server    *Server
	operation string
}

// Then adds faults: each happens to one request, in order.
func (p *FaultPlan) Then(faults ...Fault) *FaultPlan {
	p.server.tb.Helper()
	list := make([]local.Fault, len(faults))
	for i, fault := range faults {
		list[i] = fault.fault
	}
	if err := p.server.local.PlanFaults(p.operation, list...); err != nil {
		p.server.tb.Fatalf("plan faults: %v", err)
	}
	return p
}

// Fault is one thing that goes wrong.
type Fault struct{ fault local.Fault }

// Status answers with a status and nothing done; headers are pairs of name and
// value: Status(503, "Retry-After", "1").
func Status(code int, headers ...string) Fault {
	fault := local.Fault{Kind: local.FaultStatus, Status: code, Headers: map[string]string{}}
	for i := 0; i+1 < len(headers); i += 2 {
		fault.Headers[headers[i]] = headers[i+1]
	}
	return Fault{fault}
}

// Reset resets the connection before anything is done.
func Reset() Fault { return Fault{local.Fault{Kind: local.FaultReset}} }

// LoseAnswer does the work and resets the connection instead of answering.
func LoseAnswer() Fault { return Fault{local.Fault{Kind: local.FaultLoseAnswer}} }

// Delay waits, then all goes as usual.
func Delay(d time.Duration) Fault {
	return Fault{local.Fault{Kind: local.FaultDelay, DelayMS: d.Milliseconds()}}
}

// TruncateAfter does the work and cuts the answer's body after n bytes. A body
// that is not longer arrives whole.
func TruncateAfter(n int64) Fault {
	return Fault{local.Fault{Kind: local.FaultTruncate, Bytes: n}}
}

// StallAfter does the work and stops after n bytes of the answer's body; the
// connection stays open.
func StallAfter(n int64) Fault { return Fault{local.Fault{Kind: local.FaultStall, Bytes: n}} }

// DropBeforeDone runs a stream and ends it without its done event.
func DropBeforeDone() Fault { return Fault{local.Fault{Kind: local.FaultDropDone}} }
