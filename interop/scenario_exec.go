package main

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sandflare/sandflare-go"
)

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
		{"working directory", "pwd | tail -c 5", &sandflare.ExecOptions{Dir: "/tmp", Timeout: 10 * time.Second}},
		{"default directory", "pwd | tail -c 11", nil},
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
	s.step("stream: 2,000 lines", func() (any, error) {
		seen, err := stream("seq 2000", 0, exitCode)()
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
	s.step("ls: default is home", names("/home/user"))
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
