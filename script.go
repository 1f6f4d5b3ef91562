package sandflare

import (
	"context"
	"crypto/rand"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sandflare/sandflare-go/internal/transport"
	"github.com/sandflare/sandflare-go/internal/wire"
)

const (
	homeDir      = "/home/user"
	maxScript    = 96 << 10  // an argument can have 128 KiB
	maxStreamURL = 6 << 10   // the command of a stream travels in the URL
	maxEnvEntry  = 120 << 10 // name and value
)

// command is one command, checked and ready to be sent.
type command struct {
	text    string // as the user gave it
	dir     string
	env     map[string]string
	timeout time.Duration
	raw     bool
	file    string // of the sandbox, when the script was put into one
}

func newCommand(op, text string, opts *ExecOptions, timeout time.Duration) (*command, error) {
	if opts == nil {
		opts = &ExecOptions{}
	}
	cmd := &command{text: text, dir: opts.Dir, env: maps.Clone(opts.Env), timeout: opts.Timeout, raw: opts.Raw}
	if cmd.timeout == 0 {
		cmd.timeout = timeout
	}
	return cmd, cmd.check(op)
}

func (c *command) check(op string) error {
	if strings.TrimSpace(c.text) == "" {
		return invalid(op, "the command is empty")
	}
	if err := checkText(op, "command", c.text); err != nil {
		return err
	}
	if err := checkText(op, "Dir", c.dir); err != nil {
		return err
	}
	if err := checkDuration(op, "Timeout", c.timeout); err != nil {
		return err
	}
	if c.raw {
		return checkRawEnv(op, c.env)
	}
	return checkEnv(op, c.env)
}

// checkEnv refuses what a shell cannot export.
func checkEnv(op string, env map[string]string) error {
	for name, value := range env {
		if !isIdentifier(name) {
			return invalid(op, "the environment name %q is not one: letters, digits and _ are possible, and no digit first", name)
		}
		if err := checkEnvValue(op, name, value); err != nil {
			return err
		}
	}
	return nil
}

// checkRawEnv refuses only what no program can be given.
func checkRawEnv(op string, env map[string]string) error {
	for name, value := range env {
		if name == "" || strings.ContainsAny(name, "=\x00") {
			return invalid(op, "the environment name %q is empty or has = or NUL in it", name)
		}
		if err := checkText(op, "environment name", name); err != nil {
			return err
		}
		if err := checkEnvValue(op, name, value); err != nil {
			return err
		}
	}
	return nil
}

func checkEnvValue(op, name, value string) error {
	if len(name)+len(value) > maxEnvEntry {
		return invalid(op, "the environment variable %s takes %d bytes; at most %d are possible: put the value into a file", name, len(name)+len(value), maxEnvEntry)
	}
	return checkText(op, "value of the environment variable "+name, value)
}

func isIdentifier(name string) bool {
	for i := range len(name) {
		c := name[i]
		letter := c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// secrets are the values of the environment, and the command itself.
func (c *command) secrets() []string {
	return secrets(append(slices.Collect(maps.Values(c.env)), quote(c.script()), c.text, strings.TrimSpace(c.text))...)
}

// script is what bash runs: the command stands on lines of its own, so that
// comments and here-documents in it end where they should. It ends without a
// newline, which a final backslash would swallow.
func (c *command) script() string {
	var b strings.Builder
	if c.dir != "" {
		b.WriteString("cd -- " + quote(anchored(c.dir)) + " || exit\n")
	}
	for _, name := range slices.Sorted(maps.Keys(c.env)) {
		b.WriteString("export " + name + "=" + quote(c.env[name]) + " || exit\n")
	}
	b.WriteString(c.text)
	return b.String()
}

// anchored keeps cd from taking "-" or CDPATH for a folder.
func anchored(dir string) string {
	if strings.HasPrefix(dir, "/") {
		return dir
	}
	return "./" + dir
}

// quote makes one word of a text for a POSIX shell.
func quote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'"
}

// wrapped is the script as one command line.
func (c *command) wrapped() string { return "bash -lc " + quote(c.script()) }

// upload puts the script into a file of the sandbox and returns the command
// line that runs it. The file's first line removes it.
func (s *Sandbox) upload(ctx context.Context, verb string, c *command) (string, error) {
	c.file = "/tmp/.sandflare-" + rand.Text() + ".sh"
	script := "rm -f -- \"$0\"\n" + c.script() + "\n"
	if err := s.writeFile(ctx, verb, c.file, []byte(script)); err != nil {
		return "", err
	}
	return "bash -l " + c.file, nil
}

// withdraw removes the file of a command whose caller has left, perhaps before
// it began to run: it can hold values of the environment. The caller does not wait.
func (s *Sandbox) withdraw(ctx context.Context, c *command) {
	if c.file != "" && ctx.Err() != nil {
		go s.execAfter(ctx, "rm -f "+c.file)
	}
}

// execRequest is a unary exec of a command.
func (s *Sandbox) execRequest(ctx context.Context, c *command) (transport.Request, error) {
	body := wire.ExecRequest{Cmd: c.text, Timeout: c.seconds(ctx), Cwd: homeDir}
	if c.raw {
		body.Env = c.env
		if c.dir != "" {
			body.Cwd = c.dir
		}
	} else if script := c.script(); len(script) <= maxScript {
		body.Cmd = "bash -lc " + quote(script)
	} else {
		cmd, err := s.upload(ctx, "exec in", c)
		if err != nil {
			return transport.Request{}, err
		}
		body.Cmd = cmd
	}
	return transport.Request{Route: wire.Exec, Body: jsonBody(body), Timeout: c.patience(), Limit: maxOutput, Secrets: c.secrets()}, nil
}

// streamRequest is a streamed exec of a command. It is a GET: the command
// stands in the URL, which access logs keep, so values of the environment
// never go there.
func (s *Sandbox) streamRequest(ctx context.Context, c *command) (transport.Request, error) {
	const verb = "stream exec in"
	cmd, cwd := c.wrapped(), ""
	if c.raw {
		if len(c.env) > 0 {
			return transport.Request{}, invalid(s.op(verb), "Raw and Env together: the API has no environment for streams; leave Raw out")
		}
		cmd, cwd = c.text, c.dir
	}
	params := func(cmd string) string {
		return query("cmd", cmd, "timeout", itoa(c.seconds(ctx)), "cwd", cwd)
	}
	req := transport.Request{Route: wire.ExecStream, Query: params(cmd), Accept: "text/event-stream", Timeout: c.patience(), Secrets: c.secrets()}
	tooLong := len(req.Query) > maxStreamURL
	if tooLong && c.raw {
		return req, invalid(s.op(verb), "the command takes %d bytes in a URL; with Raw at most %d are possible: leave Raw out", len(req.Query), maxStreamURL)
	}
	if tooLong || len(c.env) > 0 {
		cmd, err := s.upload(ctx, verb, c)
		if err != nil {
			return req, err
		}
		req.Query = params(cmd)
	}
	return req, nil
}

// grace is what a command's answer may take beyond its timeout.
const grace = 10 * time.Second

// patience bounds one try of a command.
func (c *command) patience() time.Duration { return c.timeout + grace }

// seconds is the timeout that the sandbox is told: the command's own, or what
// is left of the context less a second for the answer to arrive.
func (c *command) seconds(ctx context.Context) int { return secondsWithin(ctx, c.timeout) }

func secondsWithin(ctx context.Context, timeout time.Duration) int {
	n := whole(timeout, time.Second)
	if deadline, ok := ctx.Deadline(); ok {
		left := int((time.Until(deadline) - time.Second) / time.Second)
		n = min(n, max(left, 1))
	}
	return n
}
