package local

import (
	"net/http"

	"github.com/sandflare/sandflare-go/internal/wire"
)

// dispatch hands a request to its call. Odd paths go to none: the mux would
// redirect them.
func (s *Server) dispatch(w http.ResponseWriter, r *http.Request) {
	if plainPath(r) {
		s.mux.ServeHTTP(w, r)
		return
	}
	s.through(call{}, noCall)(w, r)
}

// noCall is never reached: the door refuses a method that is not the route's.
func noCall(_ http.ResponseWriter, r *http.Request) error {
	return notFound("no such call: %s %s", r.Method, r.URL.Path)
}

func (s *Server) routes() {
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("/", s.through(call{}, noCall))
	s.sandboxRoutes()
	s.execRoutes()
	s.fileRoutes()
	s.processRoutes()
	s.stateRoutes()
	s.memoryRoutes()
	s.templateRoutes()
	s.localRoutes()
}

// on registers a call.
func (s *Server) on(route wire.Route, h handler) { s.register(call{Route: route}, h) }

func (s *Server) register(c call, h handler) {
	s.noteOperation(c)
	s.mux.HandleFunc(c.Method+" "+c.Path, s.through(c, h))
}

// boxHandler answers a call on a sandbox that exists.
type boxHandler func(w http.ResponseWriter, r *http.Request, sb *sandbox) error

// onBox registers a call on a sandbox.
func (s *Server) onBox(route wire.Route, h boxHandler) { s.on(route, s.box(h)) }

func (s *Server) box(h boxHandler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		sb, err := s.engine.sandbox(r.PathValue("id"))
		if err != nil {
			return err
		}
		return h(w, r, sb)
	}
}
