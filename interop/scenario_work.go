package main

import (
	"os"
	"strings"
	"time"

	"github.com/sandflare/sandflare-go"
)

func (s *scenario) work() {
	sb := s.labelled("work")
	defer sb.Close()
	s.code(sb)
	s.kernel(sb)
	s.install(sb)
	s.git(sb)
	s.surroundings()
	s.processes()
}

// ends is exit code, output and the last line of the errors.
func ends(r *sandflare.ExecResult, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return []any{r.ExitCode, r.Stdout, lastLine(r.Stderr)}, nil
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

func exitCode(r *sandflare.ExecResult, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return r.ExitCode, nil
}

func fine(r *sandflare.ExecResult, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return r.OK(), nil
}

func (s *scenario) code(sb *sandflare.Sandbox) {
	s.heading = "Run code"
	python := func(code string) (*sandflare.ExecResult, error) { return sb.RunPython(s.ctx, code, nil) }
	s.step("run_python", func() (any, error) { return outcome(python("print(2 + 2)")) })
	s.step("run_node", func() (any, error) { return outcome(sb.RunNode(s.ctx, "console.log(2 + 2)", nil)) })
	s.step("run_python: error", func() (any, error) {
		return ends(python("import sys\nprint('so far')\nsys.exit('it broke')"))
	})
	s.step("run_python: traceback", func() (any, error) { return ends(python("def f():\n    return 1 / 0\nf()")) })
	s.step("run_node: error", func() (any, error) { return exitCode(sb.RunNode(s.ctx, "process.exit(7)", nil)) })
	s.step("run_python: is stateless", func() (any, error) {
		return []any{s.attempt(fine(python("x = 1"))), s.attempt(fine(python("print(x)")))}, nil
	})
	s.step("run_python: timeout", func() (any, error) {
		return exitCode(sb.RunPython(s.ctx, "import time; time.sleep(20)", &sandflare.RunOptions{Timeout: time.Second}))
	})
	s.step("run_python: directory", func() (any, error) { return outcome(python("import os; print(os.getcwd()[-10:])")) })
	s.step("run_playwright: runs, removes its script", func() (any, error) {
		r, err := sb.RunPlaywright(s.ctx, "import os, sys\nprint(os.environ['PLAYWRIGHT_BROWSERS_PATH'])\nsys.exit(5)", nil)
		if err != nil {
			return nil, err
		}
		left, err := sb.Exec(s.ctx, "ls /tmp | grep -c py", nil)
		return []any{r.ExitCode, r.Stdout, left.Stdout}, err
	})
}

// plot stands in for matplotlib: what the kernel asks of it, and a picture.
const plot = `
import sys, types
plt = types.ModuleType("matplotlib.pyplot")
plt.get_fignums = lambda: [1]
class Figure:
    def savefig(self, out, **options): out.write(b"\x89PNG picture")
plt.gcf = lambda: Figure()
plt.close = lambda *a: None
sys.modules["matplotlib"] = types.ModuleType("matplotlib")
sys.modules["matplotlib.pyplot"] = plt
None`

func (s *scenario) kernel(sb *sandflare.Sandbox) {
	run := func(code, context string, timeout time.Duration) *sandflare.CodeResult {
		r, err := sb.RunCode(s.ctx, code, &sandflare.CodeOptions{Context: context, Timeout: timeout})
		if err != nil {
			return &sandflare.CodeResult{Error: s.failure(err)}
		}
		return r
	}
	s.step("run_code: keeps state", func() (any, error) {
		run("x = 42", "", 0)
		r := run("print('printed')\nx * 2", "", 0)
		return []any{r.Text, r.Stdout, r.Stderr, r.Error, r.OK()}, nil
	})
	s.step("run_code: contexts", func() (any, error) {
		run("y = 1", "one", 0)
		other := run("y", "two", 0)
		return []any{run("y", "one", 0).Text, other.OK(), lastLine(other.Error)}, nil
	})
	s.step("run_code: error", func() (any, error) {
		r := run("import sys; print('e', file=sys.stderr); 1 / 0", "", 0)
		return []any{r.OK(), lastLine(r.Error), r.Stderr}, nil
	})
	s.step("run_code: picture", func() (any, error) {
		r := run(plot, "", 0)
		text, err := b64(r.PNG, nil)
		return []any{len(r.PNG) > 0, text}, err
	})
	s.step("run_code: timeout, then on", func() (any, error) {
		return []any{run("import time; time.sleep(20)", "slow", time.Second).OK(), run("1 + 1", "slow", 0).Text}, nil
	})
}

func (s *scenario) install(sb *sandflare.Sandbox) {
	s.heading = "Install"
	install := func(name string, pm sandflare.PackageManager, check func() (any, error)) value {
		return func() (any, error) {
			data, err := os.ReadFile(fixture(name))
			if err != nil {
				return nil, err
			}
			if err := sb.WriteFile(s.ctx, "/tmp/"+name, data); err != nil {
				return nil, err
			}
			r, err := sb.Install(s.ctx, pm, "/tmp/"+name)
			if err != nil {
				return nil, err
			}
			return []any{r.ExitCode, r.OK(), s.attempt(check())}, nil
		}
	}
	s.step("pip", install("judge-1.0-py3-none-any.whl", sandflare.Pip, func() (any, error) {
		return outcome(sb.RunPython(s.ctx, "import judge; print(judge.answer)", nil))
	}))
	s.step("npm", install("judge-1.0.0.tgz", sandflare.NPM, func() (any, error) {
		return outcome(sb.RunNode(s.ctx, "console.log(require('judge').answer)", nil))
	}))
	s.step("apt", func() (any, error) {
		// Without sources there is nothing to fetch: the package is a file.
		if _, err := sb.Exec(s.ctx, "rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/*", nil); err != nil {
			return nil, err
		}
		return install("judge_1.0_all.deb", sandflare.Apt, func() (any, error) {
			return s.stdout(sb, "cat /usr/share/judge/answer"), nil
		})()
	})
	s.step("pip: fails", func() (any, error) {
		ok, err := fine(sb.Install(s.ctx, sandflare.Pip, "/tmp/none-1.0-py3-none-any.whl"))
		return []any{ok}, err
	})
	s.step("unknown runtime", func() (any, error) { return outcome(sb.Install(s.ctx, "cargo", "judge")) })
}
