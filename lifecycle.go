package sandflare

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sandflare/sandflare-go/internal/transport"
	"github.com/sandflare/sandflare-go/internal/wire"
)

// Logs returns the newest lines of the sandbox's log, oldest first: each
// command, then its output (GET …/logs).
func (s *Sandbox) Logs(ctx context.Context) ([]string, error) {
	var lines []string
	err := s.call(ctx, "get logs of", wire.SandboxLogs, nil, intoList(&lines, "logs"))
	return lines, err
}

// Env returns the environment that is set for all commands (GET …/agent/envs).
func (s *Sandbox) Env(ctx context.Context) (map[string]string, error) {
	env := map[string]string{}
	err := s.call(ctx, "get environment of", wire.EnvGet, nil, intoAny(&env))
	return env, err
}

// SetEnv sets variables for all later commands and keeps the others (POST
// …/agent/envs). Names are letters, digits and _.
func (s *Sandbox) SetEnv(ctx context.Context, env map[string]string) error {
	const verb = "set environment of"
	if err := checkEnv(s.opOrVerb(verb), env); err != nil {
		return err
	}
	if env == nil {
		env = map[string]string{}
	}
	req := transport.Request{Route: wire.EnvSet, Body: jsonBody(env), Secrets: secrets(slices.Collect(maps.Values(env))...)}
	return s.send(ctx, verb, req, ignored)
}

const maxForks = 8

// Fork makes n copies, 1 to 8, of the sandbox as it is now (POST …/fork). One
// try takes at most 120 seconds.
//
// A fork is never sent twice when the first may have run: then the error Is
// [ErrOutcomeUnknown], and forks that were made are found by their metadata
// fork_parent_id. When fewer came than were asked for, they are returned
// beside the error.
func (s *Sandbox) Fork(ctx context.Context, n int) ([]*Sandbox, error) {
	const verb = "fork"
	if n < 1 || n > maxForks {
		return nil, invalid(s.opOrVerb(verb), "%d copies are not possible: ask for 1 to %d", n, maxForks)
	}
	var records []wire.Sandbox
	req := transport.Request{Route: wire.SandboxFork, Body: jsonBody(wire.Fork{N: n}), Timeout: createTimeout}
	err := s.send(ctx, verb, req, intoList(&records, "forks", "sandboxes"))
	var forks []*Sandbox
	for _, record := range records {
		if fork := s.client.adopt(record); fork.name != "" {
			forks = append(forks, fork)
		}
	}
	if err == nil && len(forks) != n {
		err = &callError{op: s.op(verb), kind: ErrOutcomeUnknown, err: fmt.Errorf("the answer has %d forks instead of %d", len(forks), n)}
	}
	if call := new(callError); errors.As(err, &call) && errors.Is(err, ErrOutcomeUnknown) {
		call.hint = fmt.Sprintf("forks may exist: look for them with ListSandboxes and metadata %s=%s", wire.ForkParentKey, s.name)
	}
	return forks, err
}

const maxKeepAlive = 24 * time.Hour

// KeepAlive lets the sandbox live for d from now, at most 24 hours, rounded up
// to seconds (POST …/timeout).
func (s *Sandbox) KeepAlive(ctx context.Context, d time.Duration) error {
	const verb = "keep alive"
	if d <= 0 || d > maxKeepAlive {
		return invalid(s.opOrVerb(verb), "%v is not possible: more than 0, at most %v", d, maxKeepAlive)
	}
	var answer wire.KeepAliveResult
	body := jsonBody(wire.KeepAlive{Timeout: whole(d, time.Second)})
	if err := s.call(ctx, verb, wire.SandboxKeepAlive, body, into(&answer)); err != nil {
		return err
	}
	if !answer.NewDeadline.IsZero() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.info.ExpiresAt = answer.NewDeadline.Time
	}
	return nil
}
