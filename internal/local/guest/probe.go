//go:build linux || darwin

package guest

import (
	"context"
	"fmt"
	"io"
	"os"
)

// Probe tries want ("" = the best there is) and says what works. The error is for want itself failing.
func Probe(ctx context.Context, want Tier) (Support, error) {
	if want == ProcessTier {
		return Support{Tier: ProcessTier, Reason: "asked for"}, try(ctx, ProcessTier)
	}
	err := try(ctx, Namespace)
	if err == nil {
		return Support{Tier: Namespace}, nil
	}
	reason, mend := whyNot(err)
	support := Support{Tier: ProcessTier, Reason: reason, Mend: mend}
	if ctx.Err() != nil {
		return support, ctx.Err()
	}
	if want == Namespace {
		if mend != "" {
			mend = "; to mend it: " + mend
		}
		return support, fmt.Errorf("guest: the namespace tier does not work here: %s%s", reason, mend)
	}
	return support, try(ctx, ProcessTier)
}

// try starts a guest and runs a command in it.
func try(ctx context.Context, tier Tier) error {
	dir, err := os.MkdirTemp("", "sandflare-probe-")
	if err != nil {
		return err
	}
	defer RemoveAll(dir)
	for _, part := range []string{"/sandbox", "/shared"} {
		if err := os.Mkdir(dir+part, 0o700); err != nil {
			return err
		}
	}
	g, err := Start(ctx, Spec{Name: "probe", Tier: tier, Dir: dir + "/sandbox", Shared: dir + "/shared"})
	if err != nil {
		return err
	}
	defer g.Close()
	p, err := g.Exec(ctx, Command{Args: []string{"/bin/sh", "-c", "echo works"}})
	if err != nil {
		return err
	}
	defer p.Stdout.Close()
	defer p.Stderr.Close()
	out, _ := io.ReadAll(p.Stdout)
	complaint, _ := io.ReadAll(p.Stderr)
	if exit, err := p.Wait(); err != nil || exit.Code != 0 || string(out) != "works\n" {
		return fmt.Errorf("a command in it ended with code %d: %.200s", exit.Code, complaint)
	}
	return nil
}
