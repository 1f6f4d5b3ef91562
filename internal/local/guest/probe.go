//go:build linux || darwin

package guest

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
)

// Probe tries want ("" = the best there is) and says what works. The error is for want itself failing.
func Probe(ctx context.Context, want Tier) (Support, error) {
	if want == ProcessTier {
		_, err := try(ctx, ProcessTier)
		return Support{Tier: ProcessTier, Reason: "asked for"}, err
	}
	mounts, err := try(ctx, Namespace)
	if err == nil {
		return Support{Tier: Namespace, Reason: readOnlyFolders(mounts)}, nil
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
	_, err = try(ctx, ProcessTier)
	return support, err
}

// try starts a guest and runs a command in it, which tells what is mounted.
func try(ctx context.Context, tier Tier) (mounts string, err error) {
	dir, err := os.MkdirTemp("", "sandflare-probe-")
	if err != nil {
		return "", err
	}
	defer RemoveAll(dir)
	for _, part := range []string{"/sandbox", "/shared"} {
		if err := os.Mkdir(dir+part, 0o700); err != nil {
			return "", err
		}
	}
	if tier == Namespace {
		if err := refusal(); err != nil {
			return "", err
		}
	}
	g, err := Start(ctx, Spec{Name: "probe", Tier: tier, Dir: dir + "/sandbox", Shared: dir + "/shared"})
	if err != nil {
		return "", err
	}
	defer g.Close()
	p, err := g.Exec(ctx, Command{Args: []string{"/bin/sh", "-c", "echo works; cat /proc/self/mounts 2>/dev/null || true"}})
	if err != nil {
		return "", err
	}
	defer p.Stdout.Close()
	defer p.Stderr.Close()
	out, _ := io.ReadAll(p.Stdout)
	complaint, _ := io.ReadAll(p.Stderr)
	mounts, works := strings.CutPrefix(string(out), "works\n")
	if exit, err := p.Wait(); err != nil || exit.Code != 0 || !works {
		return "", fmt.Errorf("a command in it ended with code %d: %.200s", exit.Code, complaint)
	}
	return mounts, nil
}
