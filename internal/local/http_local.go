package local

import (
	"net/http"
	"time"

	"github.com/sandflare/sandflare-go/internal/wire"
)

// version is what /_local/info tells; the SDK's own is tested against it.
const version = "0.1.0"

// localRoutes are for tests and tools: not calls of the API, not in the journal.
func (s *Server) localRoutes() {
	s.private("GET", "/_local/info", s.info)
	s.private("GET", "/_local/requests", s.requests)
	s.private("POST", "/_local/clock", s.moveClock)
	s.private("GET", "/_local/faults", s.listFaults)
	s.private("POST", "/_local/faults", s.planFaults)
	s.private("DELETE", "/_local/faults", s.clearFaults)
	s.private("POST", "/_local/reset", s.reset)
}

func (s *Server) private(method, path string, h handler) {
	s.register(call{Route: wire.Route{Method: method, Path: path}, private: true}, h)
}

func (s *Server) info(w http.ResponseWriter, _ *http.Request) error {
	return reply(w, map[string]string{
		"version":   version,
		"isolation": string(s.support.Tier),
		"reason":    s.support.Reason,
		"mend":      s.support.Mend,
	})
}

func (s *Server) requests(w http.ResponseWriter, _ *http.Request) error {
	return reply(w, map[string]any{"requests": s.Requests()})
}

// moveClock takes a duration as Go writes it ("90m") and tells the time after it.
func (s *Server) moveClock(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Advance string `json:"advance"`
	}
	if err := decode(r, &body); err != nil {
		return err
	}
	d, err := time.ParseDuration(body.Advance)
	if err != nil || d < 0 {
		return badRequest("advance is no duration, as 90m: %q", body.Advance)
	}
	s.Advance(d)
	return reply(w, map[string]any{"now": wire.Time{Time: s.engine.clock.now()}})
}

// reset ends all sandboxes, empties the journal and forgets planned faults;
// what a data folder keeps stays.
func (s *Server) reset(w http.ResponseWriter, _ *http.Request) error {
	s.engine.removeAll()
	s.journal.clear()
	s.faults.clear()
	return reply(w, done{Status: "reset"})
}
