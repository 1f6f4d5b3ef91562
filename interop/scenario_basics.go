package main

import (
	"bytes"
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
		return outcome(sb.Exec(s.ctx, `echo "$GREETING,$EMPTY,$HOME"`, nil))
	})
	s.step("from a snapshot that is not there", made(sandflare.CreateOptions{SnapshotID: "snap-none"}))
	s.step("from a template that is not there", made(sandflare.CreateOptions{TemplateID: "tpl-none"}))
	s.step("with a volume that is not there", made(sandflare.CreateOptions{Volumes: map[string]string{"/data": "vol-none"}}))
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

func (s *scenario) work() {
	s.exec()
	s.streams()
	s.files()
}

func (s *scenario) exec() {
	s.heading = "Exec"
	sb := s.labelled("exec")
	defer sb.Close()
	for _, c := range []struct {
		name, command string
		opts          *sandflare.ExecOptions
	}{
		{"echo", "echo hello", nil},
		{"exit code and stderr", "echo out; echo err >&2; exit 3", nil},
		{"env", "echo $MY_VAR", &sandflare.ExecOptions{Env: map[string]string{"MY_VAR": "hello_world"}}},
		{"env: quotes and newline", `printf "%s|" "$A" "$B"`, &sandflare.ExecOptions{Env: map[string]string{"A": `it's "x" $HOME`, "B": "two\nlines"}}},
		{"working directory", "pwd", &sandflare.ExecOptions{Dir: "/tmp", Timeout: 10 * time.Second}},
		{"default directory", "pwd", nil},
		{"here-document and quotes", "cat <<'X'\nit's \"x\" $HOME \\ `id`\nX", nil},
		{"not found", "no-such-command 2>/dev/null", nil},
		{"killed by a signal", "kill -9 $$", nil},
		{"unicode", "printf 'grüße 😀'", nil},
		{"no stdin", "cat", nil},
		{"background child keeps stdout", "sleep 60 & echo on", nil},
	} {
		s.step(c.name, func() (any, error) { return outcome(sb.Exec(s.ctx, c.command, c.opts)) })
	}
	run := func(command string, opts *sandflare.ExecOptions, see func(*sandflare.ExecResult) any) value {
		return func() (any, error) {
			r, err := sb.Exec(s.ctx, command, opts)
			if err != nil {
				return nil, err
			}
			return see(r), nil
		}
	}
	s.step("directory that is not there", run("pwd", &sandflare.ExecOptions{Dir: "/no/such"}, func(r *sandflare.ExecResult) any { return r.OK() }))
	s.step("timeout", run("echo before; sleep 20", &sandflare.ExecOptions{Timeout: time.Second}, func(r *sandflare.ExecResult) any { return r.ExitCode }))
	s.step("1 MiB of output", run("head -c 1048576 /dev/zero | tr '\\0' x", nil, func(r *sandflare.ExecResult) any { return digest([]byte(r.Stdout)) }))
	raised := func(r *sandflare.ExecResult) any {
		if r.Err() != nil {
			return "raised"
		}
		return "fine"
	}
	s.step("error from exit code", func() (any, error) {
		fine, err := run("true", nil, raised)()
		if err != nil {
			return nil, err
		}
		bad, err := run("false", nil, raised)()
		return []any{fine, bad}, err
	})
	s.step("in a sandbox that is not there", func() (any, error) { return s.ghost().Exec(s.ctx, "true", nil) })
}

func (s *scenario) streams() {
	sb := s.labelled("streams")
	defer sb.Close()
	stream := func(command string, timeout time.Duration, see func(sandflare.ExecEvent) any) value {
		return func() (any, error) {
			var seen []any
			for event, err := range sb.ExecStream(s.ctx, command, &sandflare.ExecOptions{Timeout: timeout}) {
				if err != nil {
					return nil, err
				}
				seen = append(seen, see(event))
			}
			return seen, nil
		}
	}
	exitCode := func(e sandflare.ExecEvent) any {
		if e.Type == sandflare.EventDone {
			return e.ExitCode
		}
		return nil
	}
	s.step("stream", stream("echo a; sleep 0.1; echo b >&2; exit 3", 0, func(e sandflare.ExecEvent) any {
		return []any{e.Type, exitCode(e)}
	}))
	s.step("stream: event.data", stream(`echo a; echo 'ü "q"'`, 0, func(e sandflare.ExecEvent) any { return e.Data }))
	s.step("stream: timeout", func() (any, error) { return last(stream("sleep 20", time.Second, exitCode)()) })
	s.step("stream: live", func() (any, error) {
		return last(stream(waits, 5*time.Second, func(e sandflare.ExecEvent) any {
			if e.Type == sandflare.EventStdout {
				_ = sb.WriteFile(s.ctx, "/home/user/go", nil)
			}
			return exitCode(e)
		})())
	})
	s.step("stream: 20,000 lines", func() (any, error) {
		seen, err := stream("seq 20000", 0, exitCode)()
		return len(seen.([]any)), err
	})
}

// waits ends by itself only when someone answers while it runs.
const waits = "cd /home/user && echo first; until test -e go; do sleep 0.05; done; echo second"

func last(list any, err error) (any, error) {
	if all, ok := list.([]any); ok && len(all) > 0 {
		return all[len(all)-1], err
	}
	return nil, err
}

func (s *scenario) files() {
	s.heading = "File I/O"
	sb := s.labelled("files")
	defer sb.Close()
	every := bytes.Repeat(allBytes(), 3)
	const odd = "/tmp/odd/a b+c%2f?#&=ü.txt"
	write := func(path, text string) error { return sb.WriteFile(s.ctx, path, []byte(text)) }
	read := func(path string) value {
		return func() (any, error) {
			data, err := sb.ReadFile(s.ctx, path)
			return string(data), err
		}
	}
	readBytes := func(path string) value {
		return func() (any, error) { return b64(sb.ReadFile(s.ctx, path)) }
	}
	s.step("text", func() (any, error) {
		if err := write("/tmp/hello.txt", "hello world ü"); err != nil {
			return nil, err
		}
		return read("/tmp/hello.txt")()
	})
	s.step("binary arrives", func() (any, error) {
		if err := sb.WriteFile(s.ctx, "/tmp/data.bin", every); err != nil {
			return nil, err
		}
		r, err := sb.Exec(s.ctx, "sha256sum /tmp/data.bin", nil)
		return err == nil && strings.HasPrefix(r.Stdout, digest(every)), err
	})
	s.step("binary comes back", readBytes("/tmp/data.bin"))
	s.step("binary by read_file", readBytes("/tmp/data.bin"))
	s.step("empty file", func() (any, error) {
		if err := write("/tmp/empty", ""); err != nil {
			return nil, err
		}
		r, err := sb.Exec(s.ctx, "stat -c %s /tmp/empty", nil)
		if err != nil {
			return nil, err
		}
		text, err := read("/tmp/empty")()
		return []any{text, r.Stdout}, err
	})
	s.step("odd name, folder made", func() (any, error) {
		if err := write(odd, "odd"); err != nil {
			return nil, err
		}
		list, err := sb.ReadDir(s.ctx, "/tmp/odd")
		if err != nil || len(list) != 1 {
			return list, err
		}
		text, err := read(odd)()
		return []any{text, []string{list[0].Name}}, err
	})
	s.step("upload and download", func() (any, error) {
		text, err := os.ReadFile(fixture("upload.txt"))
		err = errors.Join(err, sb.WriteFile(s.ctx, "/home/user/up.txt", text), sb.WriteFile(s.ctx, "/home/user/up.bin", []byte{0, 0xff}))
		if err != nil {
			return nil, err
		}
		return []any{s.attempt(readBytes("/home/user/up.txt")()), s.attempt(readBytes("/home/user/up.bin")())}, nil
	})
	listed := func() (any, error) {
		if _, err := sb.Exec(s.ctx, "mkdir -p /tmp/dir/sub; printf 12345 >/tmp/dir/five; touch -d @1000000000 /tmp/dir/five", nil); err != nil {
			return nil, err
		}
		list, err := sb.ReadDir(s.ctx, "/tmp/dir")
		rows := []any{}
		for _, e := range list {
			if e.IsDir {
				rows = append(rows, []any{e.Name, e.Path, true, 0, 0})
			} else {
				rows = append(rows, []any{e.Name, e.Path, false, e.Size, e.ModTime.Unix()})
			}
		}
		return rows, err
	}
	s.step("ls", listed)
	s.step("list_files", listed)
	names := func(path string) value {
		return func() (any, error) {
			list, err := sb.ReadDir(s.ctx, path)
			found := []string{}
			for _, e := range list {
				found = append(found, e.Name)
			}
			slices.Sort(found)
			return found, err
		}
	}
	s.step("ls: default is home", names(""))
	s.step("ls: not there", names("/no/such"))
	s.step("read: not there", read("/no/such"))
	s.step("download: not there", readBytes("/no/such"))
	s.step("read: a folder", read("/tmp/dir"))
	s.step("write: onto a folder", func() (any, error) { return nil, write("/tmp/dir", "x") })
}

func allBytes() []byte {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return all
}
