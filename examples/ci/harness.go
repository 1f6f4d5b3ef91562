// Package ci builds and tests a repository in a sandbox, from go test, and
// writes what happened as JUnit XML, which every CI service reads.
//
//	make example-ci    on a local Sandflare
//
// On the service that SANDFLARE_API_URL and SANDFLARE_API_KEY name:
//
//	go test ./examples/ci -run TestRepository -service -junit $PWD/report.xml
package ci

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sandflare/sandflare-go"
)

// Step is one command of a pipeline.
type Step struct {
	Name    string
	Command string
	// GoTest says that the command is "go test -json": each test is then a case
	// of the report. Any other step is one case.
	GoTest bool
}

// environment of all steps. No network is needed: the repository has no
// dependencies and the sandbox's own Go is used, whatever go.mod asks for.
var environment = map[string]string{"CI": "true", "GOTOOLCHAIN": "local", "GOPROXY": "off", "CGO_ENABLED": "0"}

const (
	workDir     = "/home/user/repo"
	stepTimeout = 10 * time.Minute
)

// Run sends the repository into the sandbox and runs the steps one after the
// other; after one that fails the rest is skipped. The report is whole in any
// case; the error is about the sandbox, not about the repository.
func Run(ctx context.Context, sb *sandflare.Sandbox, repo string, steps []Step) (*Report, error) {
	report := &Report{}
	if _, err := sb.UploadDir(ctx, repo, workDir, &sandflare.SyncOptions{Exclude: []string{".git/"}, Delete: true}); err != nil {
		return report, err
	}
	for i, step := range steps {
		suite, err := runStep(ctx, sb, step)
		report.add(suite)
		if err != nil {
			return report, err
		}
		if suite.failed() {
			for _, skipped := range steps[i+1:] {
				report.add(notRun(skipped, step))
			}
			break
		}
	}
	return report, nil
}

// runStep runs one command. Its output streams, so that a step may print more
// than fits in one answer.
func runStep(ctx context.Context, sb *sandflare.Sandbox, step Step) (*Suite, error) {
	start := time.Now()
	cmd := sb.Command(step.Command)
	cmd.Dir, cmd.Env, cmd.Timeout = workDir, environment, stepTimeout
	var out events
	cmd.Stdout, cmd.Stderr = &out, &out.stderr
	if !step.GoTest {
		cmd.Stdout = &out.text
	}
	err := cmd.Run(ctx)
	suite := out.suite(step, time.Since(start))
	var exit *sandflare.ExitError
	if errors.As(err, &exit) {
		suite.exited(step, exit.Result.ExitCode, out.output())
		return suite, nil
	}
	if err != nil {
		suite.add(Case{Class: step.Name, Name: step.Name, Error: &Outcome{Message: err.Error()}})
		return suite, fmt.Errorf("step %s: %w", step.Name, err)
	}
	return suite, nil
}
