package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sandflare/sandflare-go"
)

func (s *scenario) basics() {
	s.quickStart()
	s.environment()
	s.creating()
	s.getAndList()
	s.exec()
	s.streams()
	s.files()
}

func (s *scenario) quickStart() {
	s.heading = "Quick start"
	s.step("create, exec, delete", func() (any, error) {
		sb := s.create(&sandflare.CreateOptions{Label: "agent", Size: sandflare.SizeNano})
		defer sb.Close()
		return outcome(sb.Exec(s.ctx, "echo hello", nil))
	})
	s.step("built-in template", func() (any, error) {
		sb := s.create(&sandflare.CreateOptions{Label: "agent", TemplateID: "codebox"})
		defer sb.Close()
		return outcome(sb.Exec(s.ctx, "echo hello", nil))
	})
}

func (s *scenario) environment() {
	s.heading = "Environment variables"
	url, key := os.Getenv("SANDFLARE_API_URL"), os.Getenv("SANDFLARE_API_KEY")
	with := func(env map[string]string, opts ...sandflare.Option) value {
		return func() (any, error) {
			os.Unsetenv("SANDFLARE_API_URL")
			os.Unsetenv("SANDFLARE_API_KEY")
			for name, value := range env {
				os.Setenv(name, value)
			}
			defer func() {
				for name := range env {
					os.Unsetenv(name)
				}
				os.Setenv("SANDFLARE_API_URL", url)
				os.Setenv("SANDFLARE_API_KEY", key)
			}()
			client, err := sandflare.NewClient(opts...)
			if err != nil {
				return nil, err
			}
			list, err := client.ListSandboxes(s.ctx, nil)
			return len(list), err
		}
	}
	s.step("PANDAAGENT_*", with(map[string]string{"PANDAAGENT_BASE_URL": url, "PANDAAGENT_API_KEY": key}))
	s.step("AGENTBOX_API_KEY", with(map[string]string{"SANDFLARE_API_URL": url, "AGENTBOX_API_KEY": key}))
	s.step("SANDFLARE_* comes first", with(map[string]string{
		"SANDFLARE_API_URL": url + "///", "SANDFLARE_API_KEY": key,
		"PANDAAGENT_BASE_URL": "https://127.0.0.1:1", "PANDAAGENT_API_KEY": "x",
	}))
	s.step("wrong key", with(map[string]string{"SANDFLARE_API_URL": url, "SANDFLARE_API_KEY": "wrong"}))
	s.step("base_url and api_key given", with(nil, sandflare.WithBaseURL(url), sandflare.WithAPIKey(key)))
}

func facts(sb *sandflare.Sandbox) []any {
	i := sb.Info()
	return []any{i.Status, i.Label, i.Ephemeral, filled(i.Metadata), i.MemoryMB, i.VCPUs, i.TTL.Hours(), !i.ExpiresAt.IsZero()}
}

func filled(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

func (s *scenario) creating() {
	s.heading = "Create"
	made := func(opts sandflare.CreateOptions) value {
		return func() (any, error) {
			opts.Label = "my-agent"
			sb, err := s.client.CreateSandbox(s.ctx, &opts)
			if err != nil {
				return nil, err
			}
			defer sb.Close()
			return facts(sb), nil
		}
	}
	s.step("basic", made(sandflare.CreateOptions{}))
	s.step("small", made(sandflare.CreateOptions{Size: sandflare.SizeSmall}))
	s.step("medium, as tier", made(sandflare.CreateOptions{Size: sandflare.SizeMedium}))
	s.step("unknown size", made(sandflare.CreateOptions{Size: "giant"}))
	s.step("options", made(sandflare.CreateOptions{
		TTL: 2 * time.Hour, Ephemeral: true, Metadata: map[string]string{"env": "prod", "version": "1.0"},
	}))
	s.step("env", func() (any, error) {
		sb := s.create(&sandflare.CreateOptions{Env: map[string]string{"GREETING": "grüß 'dich'", "EMPTY": ""}})
		defer sb.Close()
		return outcome(sb.Exec(s.ctx, `echo "$GREETING,$EMPTY,${HOME: -10}"`, nil))
	})
	s.step("from a snapshot that is not there", made(sandflare.CreateOptions{SnapshotID: "snap-none"}))
	s.step("from a template that is not there", made(sandflare.CreateOptions{TemplateID: "tpl-none"}))
	s.step("with a volume that is not there", made(sandflare.CreateOptions{Volumes: map[string]string{"/home/user/data": "vol-none"}}))
	s.step("above the plan", func() (any, error) {
		_, err := s.at("plan limit").CreateSandbox(s.ctx, nil)
		return nil, err
	})
	s.step("above the plan: where to upgrade", func() (any, error) {
		_, err := s.at("plan limit").CreateSandbox(s.ctx, nil)
		var api *sandflare.APIError
		if !errors.As(err, &api) || !errors.Is(err, sandflare.ErrPlanLimit) {
			return nil, fmt.Errorf("no plan limit: %w", err)
		}
		return api.UpgradeURL, nil
	})
	s.step("URLs of a local sandbox", func() (any, error) {
		sb := s.labelled("urls")
		defer sb.Close()
		i := sb.Info()
		return []any{sb.PreviewURL(8000), i.PreviewURL, i.SubdomainURL, i.PublicURL, i.PanelURL, i.AgentURL, 0, ""}, nil
	})
}

func labels(list []*sandflare.Sandbox, err error) (any, error) {
	names := []string{}
	for _, sb := range list {
		names = append(names, sb.Info().Label)
	}
	slices.Sort(names)
	return names, err
}

func (s *scenario) getAndList() {
	s.heading = "Get & List"
	a := s.create(&sandflare.CreateOptions{Label: "ä & = b", Metadata: map[string]string{"env": "prod", "team": "x y&z"}})
	b := s.create(&sandflare.CreateOptions{Label: "production-run", Metadata: map[string]string{"env": "prod"}})
	c := s.labelled("other")
	s.step("get", func() (any, error) {
		sb, err := s.client.GetSandbox(s.ctx, a.Name())
		if err != nil {
			return nil, err
		}
		return []any{sb.Info().Label, sb.Info().Status, sb.Info().Metadata}, nil
	})
	s.step("get: id is name", func() (any, error) {
		sb, err := s.client.GetSandbox(s.ctx, a.Name())
		return err == nil && sb.Name() == a.Name() && strings.HasPrefix(sb.Name(), "sb-"), err
	})
	get := func(client *sandflare.Client, name string) value {
		return func() (any, error) { return client.GetSandbox(s.ctx, name) }
	}
	s.step("get: not there", get(s.client, "sb-none"))
	s.step("get: status absent", func() (any, error) {
		_, err := s.at("absent").GetSandbox(s.ctx, a.Name())
		if errors.Is(err, sandflare.ErrNotFound) {
			return "error 404", nil
		}
		return nil, err
	})
	list := func(opts *sandflare.ListOptions) value {
		return func() (any, error) { return labels(s.client.ListSandboxes(s.ctx, opts)) }
	}
	s.step("list", list(nil))
	s.step("list by label", list(&sandflare.ListOptions{Label: "production-run"}))
	s.step("list by odd label", list(&sandflare.ListOptions{Label: "ä & = b"}))
	s.step("list by metadata", list(&sandflare.ListOptions{Metadata: map[string]string{"env": "prod"}}))
	s.step("list by odd metadata", list(&sandflare.ListOptions{Metadata: map[string]string{"env": "prod", "team": "x y&z"}}))
	s.step("list: none matches", list(&sandflare.ListOptions{Label: "nobody"}))
	for _, sb := range []*sandflare.Sandbox{a, b, c} {
		_ = sb.Delete(s.ctx)
	}
	s.step("list after delete", list(nil))
}
