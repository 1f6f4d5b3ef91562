package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// runColumn runs one client through its scenario.
func (l *lab) runColumn(ctx context.Context, col column) (report, error) {
	command, err := l.command(col)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	home := filepath.Join(l.work, "home-"+col.id())
	if err := os.Mkdir(home, 0o700); err != nil {
		return nil, err
	}
	if cmd.Env, err = l.env(col, home); err != nil {
		return nil, err
	}
	cmd.Dir = home
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	runErr := cmd.Run()
	rep, err := readReport(&out)
	if runErr != nil {
		return rep, fmt.Errorf("%w\n%s", runErr, errs.String())
	}
	if err == nil && pys.has(col) {
		rep["Hand over: made here, used by Go"], err = l.taken(ctx, col)
	}
	return rep, err
}

func (l *lab) command(col column) ([]string, error) {
	scenario := filepath.Join(l.root, "interop", "python", "scenario.py")
	switch col {
	case py16:
		return []string{filepath.Join(l.venvs["2.1.16"], "python"), scenario, "sync"}, nil
	case py38:
		return []string{filepath.Join(l.venvs["2.1.38"], "python"), scenario, "sync"}, nil
	case async16:
		return []string{filepath.Join(l.venvs["2.1.16"], "python"), scenario, "async"}, nil
	case async38:
		return []string{filepath.Join(l.venvs["2.1.38"], "python"), scenario, "async"}, nil
	case cli:
		return []string{filepath.Join(l.venvs["cli"], "python"), scenario, "cli"}, nil
	}
	self, err := os.Executable()
	return []string{self, "scenario"}, err
}

// env is all that a client is told. Proxies of this machine are left out: all
// traffic stays on loopback.
func (l *lab) env(col column, home string) ([]string, error) {
	doors, err := json.Marshal(l.doors[col].urls)
	return []string{
		"PATH=" + filepath.Join(l.venvs["cli"]) + string(os.PathListSeparator) + os.Getenv("PATH"),
		"HOME=" + home,
		"TMPDIR=" + home,
		"LANG=C.UTF-8",
		"PYTHONDONTWRITEBYTECODE=1",
		"SANDFLARE_API_URL=" + l.servers[col].url,
		"SANDFLARE_API_KEY=" + l.servers[col].key,
		"SSL_CERT_FILE=" + l.cas,
		"INTEROP_COLUMN=" + col.id(),
		"INTEROP_FIXTURES=" + l.fixtures,
		"INTEROP_GIT=" + l.git,
		"INTEROP_SHARED_URL=" + l.shared.url,
		"INTEROP_SHARED_KEY=" + l.shared.key,
		"INTEROP_DOORS=" + string(doors),
	}, err
}

// readReport takes one JSON object a line: {"step": …, "value": …}.
func readReport(r io.Reader) (report, error) {
	rep := report{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var line struct {
			Step  string
			Value json.RawMessage
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return rep, fmt.Errorf("not a step: %q", lines.Text())
		}
		if _, twice := rep[line.Step]; twice {
			return rep, fmt.Errorf("step %q came twice", line.Step)
		}
		rep[line.Step] = line.Value
	}
	return rep, lines.Err()
}
