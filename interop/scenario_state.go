package main

import (
	"errors"
	"os"
	"strings"
	"time"

	"github.com/sandflare/sandflare-go"
)

const dockerfile = `FROM ubuntu:22.04
# A comment
ARG WHO=nobody
ENV GREETING="hello $WHO" \
    MORE=more
WORKDIR /home/user/app
RUN echo "$GREETING" > made && \
    pwd | tail -c 15 >> made
RUN <<EOF
echo from a here-document >> made
EOF
`

const failing = "FROM x\nRUN echo some output; exit 3\nRUN echo never\n"

func (s *scenario) build(name, dockerfile string) (*sandflare.Template, error) {
	return s.client.BuildTemplate(s.ctx, &sandflare.BuildTemplateOptions{Name: name, Dockerfile: dockerfile, Description: "what it is"})
}

func (s *scenario) wait(id string) (*sandflare.Template, error) {
	return s.client.WaitForBuild(s.ctx, id, &sandflare.WaitOptions{Timeout: time.Minute, PollInterval: 100 * time.Millisecond})
}

func status(t *sandflare.Template, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return t.Status, nil
}

func (s *scenario) state() {
	s.heading = "Custom templates"
	made := &sandflare.Template{ID: "none"}
	s.step("build", func() (any, error) {
		t, err := s.build("my-env", dockerfile)
		if err != nil {
			return nil, err
		}
		made = t
		known := t.Status == sandflare.BuildPending || t.Status == sandflare.BuildBuilding || t.Status == sandflare.BuildReady
		return []any{t.Name, known, t.ID != "", t.Description}, nil
	})
	s.step("wait_for_build", func() (any, error) {
		t, err := s.wait(made.ID)
		if err != nil {
			return nil, err
		}
		log := strings.Join(t.Logs, "\n")
		return []any{t.Status, t.Error, strings.Contains(log, "RUN"), !t.CreatedAt.IsZero()}, nil
	})
	s.step("get_build_status", func() (any, error) { return status(s.client.GetTemplate(s.ctx, made.ID)) })
	s.step("create from it", func() (any, error) {
		sb, err := s.client.CreateSandbox(s.ctx, &sandflare.CreateOptions{Label: "agent", TemplateID: made.ID})
		if err != nil {
			return nil, err
		}
		defer sb.Close()
		return []any{s.text(sb, "/home/user/app/made"), s.stdout(sb, `echo "$GREETING,$MORE"`), sb.Info().TemplateID == made.ID}, nil
	})
	s.step("list", func() (any, error) {
		list, err := s.client.ListTemplates(s.ctx, nil)
		found := []any{}
		for _, t := range list {
			if t.ID == made.ID {
				found = append(found, []any{t.Name, t.Status})
			}
		}
		return found, err
	})
	s.failingBuilds()
	s.step("get_build_status: not there", func() (any, error) { return status(s.client.GetTemplate(s.ctx, "tpl-none")) })
	s.step("delete", func() (any, error) {
		if err := s.client.DeleteTemplate(s.ctx, made.ID); err != nil {
			return nil, err
		}
		_, gone := s.client.GetTemplate(s.ctx, made.ID)
		list, err := s.client.ListTemplates(s.ctx, nil)
		left := []string{}
		for _, t := range list {
			if t.Name == "my-env" {
				left = append(left, t.Name)
			}
		}
		return []any{s.attempt("still there", gone), left}, err
	})
	s.step("delete: not there", func() (any, error) { return nil, s.client.DeleteTemplate(s.ctx, made.ID) })
	s.step("build_from_directory", s.fromDirectory)
}

func (s *scenario) failingBuilds() {
	s.step("a RUN that fails", func() (any, error) {
		t, err := s.build("fails", failing)
		if err != nil {
			return nil, err
		}
		return status(s.wait(t.ID))
	})
	s.step("a RUN that fails: its error", func() (any, error) {
		t, err := s.build("fails", failing)
		if err != nil {
			return nil, err
		}
		var build *sandflare.BuildError
		if _, err := s.wait(t.ID); !errors.As(err, &build) {
			return nil, err
		}
		text := build.Template.Error + strings.Join(build.Template.Logs, "\n")
		return []any{build.Template.Status, strings.Contains(build.Template.Error, "exit 3"),
			strings.Contains(text, "some output"), strings.Contains(build.Template.Error, "RUN echo never")}, nil
	})
	s.step("a Dockerfile that does not parse", func() (any, error) { return status(s.build("bad", "FROM x\nNONSENSE y\n")) })
	s.step("without a Dockerfile", func() (any, error) { return status(s.build("empty", "")) })
}

func (s *scenario) fromDirectory() (any, error) {
	t, err := s.client.BuildTemplate(s.ctx, &sandflare.BuildTemplateOptions{
		Name: "from-directory", Description: "d", Context: os.DirFS(fixture("context")),
	})
	if err != nil {
		return nil, err
	}
	if t, err = s.wait(t.ID); err != nil {
		return nil, err
	}
	sb, err := s.client.CreateSandbox(s.ctx, &sandflare.CreateOptions{Label: "agent", TemplateID: t.ID})
	if err != nil {
		return nil, err
	}
	out := s.stdout(sb, "cat built; ls app; echo $MOOD; ls -a | grep -c -e secret -e dockerignore")
	return []any{out, t.Status}, errors.Join(sb.Close(), s.client.DeleteTemplate(s.ctx, t.ID))
}
