package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/sandflare/sandflare-go/internal/local/dockerfile"
	"github.com/sandflare/sandflare-go/internal/local/guest"
)

func (b *build) step(ctx context.Context, step dockerfile.Step) error {
	step, err := b.scope.Next(step)
	if err != nil {
		return err
	}
	switch in := step.Instruction.(type) {
	case *dockerfile.From:
		return b.inherit(ctx, in.Image)
	case *dockerfile.Run:
		return b.command(ctx, in.Argv(b.scope.Shell))
	case *dockerfile.Copy:
		return b.copy(ctx, step.Line, in)
	case *dockerfile.Workdir:
		b.record.Workdir = b.scope.Workdir
		return b.makeDirs(ctx, []string{b.scope.Workdir})
	case *dockerfile.User:
		b.record.User = in.Name
		return b.become(ctx, in.Name)
	case *dockerfile.Label:
		b.label(in)
	case *dockerfile.Expose:
		b.record.Ports = append(b.record.Ports, in.Ports...)
	case *dockerfile.Cmd:
		b.record.Cmd = &in.Command
		b.log("kept with the template: nothing starts it in a sandbox")
	case *dockerfile.Entrypoint:
		b.record.Entrypoint = &in.Command
		b.log("kept with the template: nothing starts it in a sandbox")
	}
	return nil
}

// inherit goes on where the template that FROM names stopped. Without
// namespaces "/" is the machine's own: commands begin in the sandbox's home.
func (b *build) inherit(ctx context.Context, image string) error {
	if b.fresh {
		b.log("%s is not pulled: the host's own tools and libraries are used", image)
	} else {
		b.log("%s is a template of this local Sandflare: its files and environment are used", image)
	}
	if b.engine.support.Tier != guest.Namespace {
		b.scope.Workdir = home
	}
	if b.record.Workdir != "" {
		b.scope.Workdir = b.record.Workdir
	}
	if b.scope.User = b.record.User; b.scope.User != "" {
		return b.become(ctx, b.scope.User)
	}
	return nil
}

func (b *build) label(in *dockerfile.Label) {
	labels := merged(b.record.Labels)
	for _, pair := range in.Pairs {
		labels[pair.Name] = pair.Value
	}
	b.record.Labels = labels
}

const shownOutput = 20 // lines of a failed command in an error

// command runs a RUN. Its output goes to the log as it comes. What it leaves
// running ends with it, as with Docker.
func (b *build) command(ctx context.Context, args []string) error {
	var end []string
	exit, err := b.sb.follow(ctx, guest.Command{
		Args: append(append([]string{}, b.runAs...), args...), Dir: b.scope.Workdir, Env: b.scope.Environ(),
	}, func(out output) error {
		end = append(end, out.lines...)
		end = end[max(0, len(end)-shownOutput):]
		return nil
	}, func() error { return nil })
	if err == nil {
		err = b.sb.guest.KillAll()
	}
	switch {
	case err != nil:
		return err
	case exit.Code == 0:
		return nil
	}
	for i, line := range end {
		end[i] = line[:min(len(line), maxLogLine)]
	}
	return errors.New(strings.TrimSpace(fmt.Sprintf("exit code %d\n%s", exit.Code, strings.Join(end, "\n"))))
}

// asUser runs a command as user or user:group, by name or number.
var asUser = []string{"sh", "-c", `user=${0%%:*}
case $0 in *:*) group=${0#*:} ;; *) group=$(id -g -- "$user" 2>/dev/null) || group=$user ;; esac
exec setpriv --reuid "$user" --regid "$group" --clear-groups -- "$@"`}

// become has the following RUNs run as another user where the tier can do
// that: as root, with ids of their own for others. Sandboxes run as root, and
// so does everything where it cannot: the log says so.
func (b *build) become(ctx context.Context, user string) error {
	b.runAs = nil
	if name, _, _ := strings.Cut(user, ":"); name == "root" || name == "0" {
		return nil
	}
	if b.engine.support.Tier != guest.Namespace || os.Geteuid() != 0 {
		b.log("ignored: only a local Sandflare that runs as root with isolation %q has more than one user", guest.Namespace)
		return nil
	}
	runAs := append(append([]string{}, asUser...), user)
	res, err := b.sb.quietly(ctx, guest.Command{Args: append(runAs, "true"), Env: b.scope.Environ()})
	if err != nil {
		return err
	}
	if res.exit.Code == 0 {
		b.runAs = runAs
		b.log("holds for RUN: sandboxes run commands as root")
		return nil
	}
	b.log("ignored: %s", lastLines(res.stderr, 1))
	return nil
}
