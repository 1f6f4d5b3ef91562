package local

import (
	"errors"
	"mime"
	"net/http"
	"strings"
	"unicode"

	"github.com/sandflare/sandflare-go/internal/local/dockerfile"
	"github.com/sandflare/sandflare-go/internal/local/guest"
	"github.com/sandflare/sandflare-go/internal/wire"
)

func (s *Server) templateRoutes() {
	s.register(call{Route: wire.TemplateBuild, streamed: true}, s.buildTemplate)
	s.on(wire.TemplateStatus, s.templateStatus)
	s.on(wire.TemplateList, s.listTemplates)
	s.on(wire.TemplateDelete, s.deleteTemplate)
}

// buildTemplate answers at once; what can be judged before the build is.
func (s *Server) buildTemplate(w http.ResponseWriter, r *http.Request) error {
	dir, err := s.engine.makeContextDir()
	if err != nil {
		return err
	}
	template, err := s.acceptBuild(w, r, dir)
	if err != nil {
		return errors.Join(err, guest.RemoveAll(dir))
	}
	return reply(w, template)
}

func (s *Server) acceptBuild(w http.ResponseWriter, r *http.Request, dir string) (wire.Template, error) {
	req, err := readBuild(w, r, dir)
	if err == nil {
		err = checkTemplateName(req.Name)
	}
	if err != nil {
		return wire.Template{}, err
	}
	if strings.TrimSpace(req.Dockerfile) == "" {
		return wire.Template{}, badRequest("dockerfile is missing: it is the text of a Dockerfile")
	}
	file, err := dockerfile.Parse(req.Dockerfile)
	if err != nil {
		return wire.Template{}, badRequest("%v", err)
	}
	matcher, err := readIgnore(dir)
	if err != nil {
		return wire.Template{}, err
	}
	return s.engine.buildTemplate(req, &build{file: file, context: dir, ignore: matcher})
}

// readBuild takes JSON, or a form with the files of a context.
func readBuild(w http.ResponseWriter, r *http.Request, dir string) (req wire.BuildTemplate, err error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")) // no kind: JSON
	if kind != "multipart/form-data" {
		if err := readWhole(w, r); err != nil {
			return req, err
		}
		return req, decode(r, &req)
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxContextBytes)
	form, err := r.MultipartReader()
	if err != nil {
		return req, badRequest("the form cannot be read: %v", err)
	}
	return readForm(form, dir)
}

const maxTemplateName = 255

func checkTemplateName(name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return badRequest("name is missing")
	case len(name) > maxTemplateName || strings.ContainsFunc(name, unicode.IsControl):
		return badRequest("%.40q is no name for a template: use up to %d characters without line breaks", name, maxTemplateName)
	}
	return nil
}

func (s *Server) templateStatus(w http.ResponseWriter, r *http.Request) error {
	template, err := s.engine.templates.get(r.PathValue("id"))
	if err != nil {
		return err
	}
	return reply(w, template)
}

func (s *Server) listTemplates(w http.ResponseWriter, r *http.Request) error {
	return reply(w, map[string]any{"templates": s.engine.templates.list(r.URL.Query().Get("team_id"))})
}

func (s *Server) deleteTemplate(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if err := s.engine.templates.remove(id); err != nil {
		return err
	}
	return reply(w, done{Status: "deleted", ID: id})
}
