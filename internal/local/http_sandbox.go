package local

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/sandflare/sandflare-go/internal/wire"
)

func (s *Server) sandboxRoutes() {
	s.on(wire.SandboxCreate, s.createSandbox)
	s.on(wire.SandboxList, s.listSandboxes)
	s.on(wire.SandboxDelete, s.deleteSandbox)
	s.onBox(wire.SandboxGet, s.getSandbox)
	s.onBox(wire.SandboxPause, s.pauseSandbox)
	s.onBox(wire.SandboxResume, s.resumeSandbox)
	s.onBox(wire.SandboxKeepAlive, s.keepAlive)
	s.onBox(wire.SandboxFork, s.forkSandbox)
	s.onBox(wire.SandboxHealth, s.health)
	s.onBox(wire.SandboxLogs, s.logs)
	s.onBox(wire.EnvGet, s.getEnv)
	s.onBox(wire.EnvSet, s.setEnv)
}

// createBody also takes the names that the CLI uses, or no body at all.
type createBody struct {
	wire.CreateSandbox
	Name     string `json:"name"`
	Template string `json:"template"`
}

func (s *Server) createSandbox(w http.ResponseWriter, r *http.Request) error {
	var body createBody
	if err := decode(r, &body); err != nil {
		return err
	}
	req := body.CreateSandbox
	req.Label = cmp.Or(req.Label, body.Name)
	req.TemplateID = cmp.Or(req.TemplateID, body.Template)
	sb, err := s.engine.create(r.Context(), req)
	if err != nil {
		return err
	}
	return reply(w, sb.wire())
}

// getSandbox resumes a paused sandbox, as the hosted service does.
func (s *Server) getSandbox(w http.ResponseWriter, _ *http.Request, sb *sandbox) error {
	if sb.status() == paused {
		if err := sb.resume(); err != nil {
			return err
		}
	}
	return reply(w, sb.wire())
}

func (s *Server) listSandboxes(w http.ResponseWriter, r *http.Request) error {
	var metadata map[string]string
	query := r.URL.Query()
	if text := query.Get("metadata"); text != "" {
		if err := json.Unmarshal([]byte(text), &metadata); err != nil {
			return badRequest("metadata is not a JSON object of texts: %v", err)
		}
	}
	list := []wire.Sandbox{}
	for _, sb := range s.engine.list() {
		if sb.matches(query.Get("label"), metadata) {
			list = append(list, sb.wire())
		}
	}
	return reply(w, list)
}

func (s *Server) deleteSandbox(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("id")
	if err := s.engine.remove(name); err != nil {
		return err
	}
	return reply(w, done{Status: "deleted", ID: name})
}

func (s *Server) pauseSandbox(w http.ResponseWriter, r *http.Request, sb *sandbox) error {
	if err := sb.pause(); err != nil {
		return err
	}
	return reply(w, sb.wire())
}

func (s *Server) resumeSandbox(w http.ResponseWriter, r *http.Request, sb *sandbox) error {
	if err := sb.resume(); err != nil {
		return err
	}
	return reply(w, sb.wire())
}

func (s *Server) keepAlive(w http.ResponseWriter, r *http.Request, sb *sandbox) error {
	var body wire.KeepAlive
	if err := decode(r, &body); err != nil {
		return err
	}
	at, err := s.engine.keepAlive(sb, body.Timeout)
	if err != nil {
		return err
	}
	return reply(w, wire.KeepAliveResult{NewDeadline: wire.Time{Time: at}})
}

func (s *Server) forkSandbox(w http.ResponseWriter, r *http.Request, sb *sandbox) error {
	var body wire.Fork
	if err := decode(r, &body); err != nil {
		return err
	}
	forks, err := s.engine.fork(r.Context(), sb, body.N)
	if err != nil {
		return err
	}
	answer := wire.ForkResult{Forks: []wire.Sandbox{}}
	for _, fork := range forks {
		answer.Forks = append(answer.Forks, fork.wire())
	}
	return reply(w, answer)
}

// health asks the guest itself: a sandbox that has stopped is not healthy.
func (s *Server) health(w http.ResponseWriter, _ *http.Request, sb *sandbox) error {
	status := sb.status()
	if status == stopped {
		return sb.isStopped()
	}
	return reply(w, map[string]any{"status": status, "sandbox_id": sb.name, "ok": true})
}

func (s *Server) getEnv(w http.ResponseWriter, _ *http.Request, sb *sandbox) error {
	return reply(w, merged(sb.environment()))
}

func (s *Server) setEnv(w http.ResponseWriter, r *http.Request, sb *sandbox) error {
	var env map[string]string
	if err := decode(r, &env); err != nil {
		return err
	}
	if err := sb.setEnv(env); err != nil {
		return err
	}
	return reply(w, merged(sb.environment()))
}

func (s *Server) logs(w http.ResponseWriter, r *http.Request, sb *sandbox) error {
	if follow, _ := strconv.ParseBool(r.URL.Query().Get("stream")); follow {
		return s.followLogs(w, r, sb)
	}
	lines, _, _ := sb.logs.since(0)
	return reply(w, wire.Logs{Logs: lines})
}

// followLogs pushes new lines until the caller leaves or the sandbox ends.
func (s *Server) followLogs(w http.ResponseWriter, r *http.Request, sb *sandbox) error {
	_, next, changed := sb.logs.since(0)
	events, err := newEventStream(w)
	if err != nil {
		return err
	}
	for {
		select {
		case <-changed:
		case <-sb.guest.Done():
			return nil
		case <-r.Context().Done():
			return nil
		}
		var lines []string
		lines, next, changed = sb.logs.since(next)
		for _, text := range lines {
			if err := events.sendLine("log", text); err != nil {
				return err
			}
		}
		if err := events.flush(); err != nil {
			return err
		}
	}
}
