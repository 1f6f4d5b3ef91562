package local

import (
	"net/http"
	"strconv"

	"github.com/sandflare/sandflare-go/internal/wire"
)

func (s *Server) processRoutes() {
	s.onBox(wire.Metrics, s.metrics)
	s.onBox(wire.Processes, s.processes)
	async := wire.Processes
	async.Path = "/sandboxes/{id}/processes" // as the async client calls it
	s.onBox(async, s.processes)
	s.onBox(wire.KillProcess, s.killProcess)
}

func (s *Server) metrics(w http.ResponseWriter, _ *http.Request, sb *sandbox) error {
	report, err := sb.metrics()
	if err != nil {
		return err
	}
	return reply(w, report)
}

func (s *Server) processes(w http.ResponseWriter, _ *http.Request, sb *sandbox) error {
	list, err := sb.processes()
	if err != nil {
		return err
	}
	return reply(w, list)
}

func (s *Server) killProcess(w http.ResponseWriter, r *http.Request, sb *sandbox) error {
	pid, err := strconv.Atoi(r.PathValue("pid"))
	if err != nil {
		return badRequest("%q is no pid", r.PathValue("pid"))
	}
	if err := sb.kill(pid); err != nil {
		return err
	}
	return reply(w, done{Status: "killed", ID: strconv.Itoa(pid)})
}
