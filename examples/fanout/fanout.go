package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/sandflare/sandflare-go"
)

// result is what a variant did, in a sandbox of its own.
type result struct {
	variant        variant
	sandbox        *sandflare.Sandbox
	passed, checks int
}

// better prefers more checks passed, then less code.
func (r *result) better(than *result) bool {
	if r.passed != than.passed {
		return r.passed > than.passed
	}
	return len(r.variant.code) < len(than.variant.code)
}

// prepare makes the sandbox that all variants begin with. What is slow is done
// here, once: clone, install, build.
func prepare(ctx context.Context, client *sandflare.Client) (*sandflare.Sandbox, error) {
	sb, err := client.CreateSandbox(ctx, &sandflare.CreateOptions{Label: "fanout"})
	if err != nil {
		return nil, err
	}
	if err := sb.WriteFile(ctx, "check.sh", []byte(checks)); err != nil {
		return nil, errors.Join(err, sb.Close())
	}
	return sb, nil
}

// fanOut tries each variant in a fork of base, all at the same time. The
// results are there also with an error: their sandboxes want to be closed.
func fanOut(ctx context.Context, base *sandflare.Sandbox, variants []variant) ([]*result, error) {
	forks, err := base.Fork(ctx, len(variants)) // at most 8 a call
	results := make([]*result, len(forks))
	for i, fork := range forks {
		results[i] = &result{variant: variants[i], sandbox: fork}
	}
	if err != nil {
		return results, err
	}
	errs := make([]error, len(results))
	var wg sync.WaitGroup
	for i, r := range results {
		wg.Go(func() { errs[i] = r.try(ctx) })
	}
	wg.Wait()
	return results, errors.Join(errs...)
}

// try puts the variant in place and counts the checks that pass. A variant that
// fails is a result; an error is about the sandbox.
func (r *result) try(ctx context.Context) error {
	if err := r.sandbox.WriteFile(ctx, "slug.sh", []byte(r.variant.code)); err != nil {
		return err
	}
	out, err := r.sandbox.Exec(ctx, "bash check.sh", nil)
	if err != nil {
		return fmt.Errorf("variant %s: %w", r.variant.name, err)
	}
	for line := range strings.Lines(out.Stdout) {
		r.checks++
		if strings.HasPrefix(line, "ok ") {
			r.passed++
		}
	}
	return nil
}

func closeAll(results []*result) {
	var wg sync.WaitGroup
	for _, r := range results {
		wg.Go(func() { r.sandbox.Close() })
	}
	wg.Wait()
}
