package sandflare

import (
	"context"
	"maps"
	"slices"

	"github.com/sandflare/sandflare-go/internal/transport"
	"github.com/sandflare/sandflare-go/internal/wire"
)

// Env returns the environment that is set for all commands (GET
// …/agent/envs). The map may be empty, never nil.
func (s *Sandbox) Env(ctx context.Context) (map[string]string, error) {
	var env map[string]string
	if err := s.call(ctx, "get environment of", wire.EnvGet, nil, intoAny(&env)); err != nil {
		return nil, err
	}
	if env == nil {
		env = map[string]string{}
	}
	return env, nil
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
