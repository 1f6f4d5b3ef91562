package main

import (
	"bufio"
	"fmt"
	"os/exec"
	"time"

	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/internal/local"
)

// execRows run commands through SDK and local Sandflare, and bare.
func (b *bench) execRows() ([]row, error) {
	_, client, err := b.localSandflare(local.Config{})
	if err != nil {
		return nil, err
	}
	sb, err := client.CreateSandbox(b.ctx, nil)
	if err != nil {
		return nil, err
	}
	home, err := b.tempDir()
	bash := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(b.ctx, args[0], args[1:]...)
		cmd.Env, cmd.Dir = []string{"HOME=" + home, "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}, home
		return cmd
	}
	const each = 10
	return []row{
		{name: "exec of true", against: "bash -lc true, HOME empty", rounds: b.size(25, 5), target: 1.5,
			ours: timedEach(each, func() error { return execTrue(b, sb) }),
			bare: timedEach(each, func() error { _, err := bash("bash", "-lc", "true").Output(); return err })},
		{name: "create and first exec", against: "unshare of the same namespaces, bash", rounds: b.size(25, 5), target: 3,
			ours: func() (float64, error) { return createAndExec(b, client) },
			bare: timedEach(1, func() error {
				_, err := bash("unshare", "-Urmpfiu", "--mount-proc", "bash", "-lc", "true").Output()
				return err
			})},
		{name: "yes | head -n 200000, ExecStream", against: "bare pipe, read by lines", rounds: b.size(9, 3), target: 15,
			ours: timed(1, func() error { return lines200k(b, sb) }),
			bare: timed(1, func() error { return readPipe(bash("bash", "-lc", "yes | head -n 200000")) })},
	}, err
}

func execTrue(b *bench, sb *sandflare.Sandbox) error {
	result, err := sb.Exec(b.ctx, "true", nil)
	if err != nil {
		return err
	}
	return result.Err()
}

// createAndExec leaves the removal out of the time.
func createAndExec(b *bench, client *sandflare.Client) (float64, error) {
	start := time.Now()
	sb, err := client.CreateSandbox(b.ctx, nil)
	if err != nil {
		return 0, err
	}
	defer sb.Close()
	err = execTrue(b, sb)
	return float64(time.Since(start)), err
}

const yesLines = 200_000

func lines200k(b *bench, sb *sandflare.Sandbox) error {
	n := 0
	for event, err := range sb.ExecStream(b.ctx, "yes | head -n 200000", nil) {
		if err != nil {
			return err
		}
		n += len(event.Data)
	}
	return exactly(n, yesLines)
}

func readPipe(cmd *exec.Cmd) error {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	n := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		n += len(lines.Text())
	}
	if err := cmd.Wait(); err != nil {
		return err
	}
	return exactly(n, yesLines)
}

func exactly(n, want int) error {
	if n != want {
		return fmt.Errorf("%d came, not %d", n, want)
	}
	return nil
}
