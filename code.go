package sandflare

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/sandflare/sandflare-go/internal/transport"
	"github.com/sandflare/sandflare-go/internal/wire"
)

const (
	kernelTimeout     = 60 * time.Second
	playwrightTimeout = 60 * time.Second
)

// CodeOptions say where and how long code of [Sandbox.RunCode] runs.
type CodeOptions struct {
	Context string        // default "default": variables persist per context
	Timeout time.Duration // of the code, rounded up to seconds; default 60s
}

// CodeResult is what a piece of code did, as POST …/run/kernel answers.
type CodeResult struct {
	Text           string // the last expression's value, as Python shows it
	Stdout, Stderr string
	HTML           string // where the value has such a form
	Error          string // traceback; empty when the code succeeded
	PNG            []byte // the plot, if there is one
}

// OK reports whether the code ran without an exception.
func (r *CodeResult) OK() bool { return r != nil && r.Error == "" }

// RunCode runs Python code in an interpreter that lives on: variables, imports
// and functions persist per context (POST …/run/kernel). An exception in the
// code is a result, see [CodeResult.OK].
func (s *Sandbox) RunCode(ctx context.Context, code string, opts *CodeOptions) (*CodeResult, error) {
	const verb = "run code in"
	if err := s.ready(ctx, verb); err != nil {
		return nil, err
	}
	if opts == nil {
		opts = &CodeOptions{}
	}
	timeout, err := s.codeTimeout(verb, code, &RunOptions{Timeout: opts.Timeout}, kernelTimeout)
	if err != nil {
		return nil, err
	}
	body := wire.RunKernel{Code: code, ContextID: opts.Context, Timeout: secondsWithin(ctx, timeout)}
	if body.ContextID == "" {
		body.ContextID = "default"
	}
	if err := checkText(s.op(verb), "context name", body.ContextID); err != nil {
		return nil, err
	}
	var result CodeResult
	req := transport.Request{Route: wire.RunCode, Body: jsonBody(body), Timeout: timeout + grace, Limit: maxOutput, Secrets: secrets(code)}
	if err := s.send(ctx, verb, req, intoCode(&result)); err != nil {
		return nil, err
	}
	return &result, nil
}

func intoCode(result *CodeResult) decoder {
	return func(body []byte) error {
		var r wire.KernelResult
		if err := intoAny(&r)(body); err != nil {
			return err
		}
		png, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(r.PNG, "data:image/png;base64,"))
		if err != nil {
			return fmt.Errorf("its picture is no base64: %w", err)
		}
		if r.Error == "" && r.OK != nil && !*r.OK {
			r.Error = "the code failed without a reason"
		}
		*result = CodeResult{Text: r.Text, Stdout: r.Stdout, Stderr: r.Stderr, HTML: r.HTML, Error: r.Error}
		if len(png) > 0 {
			result.PNG = png
		}
		return nil
	}
}

// RunPlaywright runs a Python script that drives a browser, for at most 60
// seconds unless opts say otherwise. There is no call of its own for that: the
// script is written to a file, run with python3 and PLAYWRIGHT_BROWSERS_PATH
// set, and the file is removed, also after a cancel, which takes 10 seconds at most.
func (s *Sandbox) RunPlaywright(ctx context.Context, script string, opts *RunOptions) (*ExecResult, error) {
	const verb = "run Playwright in"
	if err := s.ready(ctx, verb); err != nil {
		return nil, err
	}
	timeout, err := s.codeTimeout(verb, script, opts, playwrightTimeout)
	if err != nil {
		return nil, err
	}
	var suffix [4]byte
	_, _ = rand.Read(suffix[:])
	path := "/tmp/pw_" + hex.EncodeToString(suffix[:]) + ".py"
	if err := s.writeFile(ctx, verb, path, []byte(script)); err != nil {
		return nil, err
	}
	defer s.execAfter(ctx, "rm -f "+path)
	return s.Exec(ctx, "PLAYWRIGHT_BROWSERS_PATH=/opt/playwright python3 "+path, &ExecOptions{Timeout: timeout})
}

// execAfter tidies up as well as it can, also when ctx has ended.
func (s *Sandbox) execAfter(ctx context.Context, command string) {
	const patience = 10 * time.Second
	if ctx.Err() != nil { // a file that was on its way may still come
		command += "\n{ sleep 1; " + command + "; } >/dev/null 2>&1 &"
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // no deadline: it would shorten the command's timeout
	defer cancel()
	defer time.AfterFunc(patience, cancel).Stop()
	for range 2 { // done twice is as good as done once
		if _, err := s.Exec(ctx, command, nil); err == nil || ctx.Err() != nil {
			return
		}
	}
}
