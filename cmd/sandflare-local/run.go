package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"

	"github.com/sandflare/sandflare-go/internal/local"
)

// What shells answer for a command that cannot be run.
const (
	exitNotExecutable = 126
	exitNotFound      = 127
	exitSignal        = 128 // and the signal's number
)

// run runs a command against a server of its own. The command has stdout for
// itself, and its exit code is ours.
func run(args []string, stderr io.Writer) (int, error) {
	cfg, command, err := settings("run", "127.0.0.1:0", args, stderr)
	if err != nil {
		return 0, err
	}
	if len(command) == 0 {
		fmt.Fprintln(stderr, "sandflare-local: run needs a command: sandflare-local run [flags] -- CMD ARGS…")
		return 0, errUsage
	}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, passedOn...)
	defer signal.Stop(signals)
	server, err := local.Start(context.Background(), cfg)
	if err != nil {
		return 0, err
	}
	report(server, stderr)
	code, err := supervise(command, server.Env(), signals)
	return code, errors.Join(err, server.Close())
}

// supervise runs a command, passes signals on to it, and waits for its end.
func supervise(command, env []string, signals <-chan os.Signal) (int, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(withoutOthers(os.Environ()), env...)
	if err := cmd.Start(); err != nil {
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
			return exitNotFound, err
		}
		return exitNotExecutable, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case sig := <-signals:
			if !fromTerminal(sig) {
				_ = cmd.Process.Signal(sig) // it may just have ended
			}
		case err := <-ended:
			return exitCode(cmd.ProcessState, err)
		}
	}
}

// withoutOthers drops the variables by which clients would find another server.
func withoutOthers(env []string) (kept []string) {
	for _, pair := range env {
		name, _, _ := strings.Cut(pair, "=")
		switch name {
		case "SANDFLARE_API_URL", "SANDFLARE_API_KEY", "PANDAAGENT_BASE_URL", "PANDAAGENT_API_KEY", "AGENTBOX_API_KEY":
		default:
			kept = append(kept, pair)
		}
	}
	return kept
}

func exitCode(state *os.ProcessState, err error) (int, error) {
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 1, err
	}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return exitSignal + int(status.Signal()), nil
	}
	return state.ExitCode(), nil
}
