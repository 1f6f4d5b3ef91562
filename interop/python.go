package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// venv is one set of Python packages. Their versions are part of the contract.
var venvPackages = map[string][]string{
	"2.1.16": {"sandflare==2.1.16", "aiohttp>=3.8,<4"},
	"2.1.38": {"sandflare==2.1.38", "aiohttp>=3.8,<4"},
	"cli":    {"sandflare-cli==2.0.31"},
}

// prepareVenvs makes what is missing or out of date, and returns for each the
// folder of its programs.
func prepareVenvs(ctx context.Context, dir string) (map[string]string, error) {
	for _, name := range []string{"bash", "git", "node", "npm", "pgrep"} {
		if _, err := exec.LookPath(name); err != nil {
			return nil, fmt.Errorf("%s is missing: the scenario needs it in sandboxes", name)
		}
	}
	python, version, err := findPython(ctx)
	if err != nil {
		return nil, err
	}
	bins := map[string]string{}
	for name, packages := range venvPackages {
		venv := filepath.Join(dir, name)
		bins[name] = filepath.Join(venv, "bin")
		stamp := filepath.Join(venv, "stamp")
		want := version + "\n" + strings.Join(packages, "\n") + "\n"
		if have, err := os.ReadFile(stamp); err == nil && string(have) == want {
			continue
		}
		fmt.Fprintf(os.Stderr, "interop: installing %s\n", strings.Join(packages, ", "))
		if err := makeVenv(ctx, python, venv, packages); err != nil {
			return nil, err
		}
		if err := os.WriteFile(stamp, []byte(want), 0o644); err != nil {
			return nil, err
		}
	}
	return bins, nil
}

// findPython returns a Python that can run the clients, and its version.
func findPython(ctx context.Context) (path, version string, err error) {
	path, err = exec.LookPath("python3")
	if err != nil {
		return "", "", errors.New("python3 is missing: the clients that judge here are written in Python (3.9 or newer, with venv)")
	}
	const ask = `import sys, venv; print(sys.version.split()[0], sys.prefix); sys.exit(sys.version_info < (3, 9))`
	text, err := exec.CommandContext(ctx, path, "-c", ask).CombinedOutput()
	if err != nil {
		return "", "", fmt.Errorf("%s cannot be used, Python 3.9 or newer with venv is needed: %w\n%s", path, err, text)
	}
	return path, strings.TrimSpace(string(text)), nil
}

func makeVenv(ctx context.Context, python, venv string, packages []string) error {
	if err := os.MkdirAll(filepath.Dir(venv), 0o755); err != nil {
		return err
	}
	install := append([]string{"-m", "pip", "install", "--quiet", "--disable-pip-version-check"}, packages...)
	for _, args := range [][]string{
		{python, "-m", "venv", "--clear", venv},
		append([]string{filepath.Join(venv, "bin", "python")}, install...),
	} {
		if text, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, text)
		}
	}
	return nil
}
