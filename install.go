package sandflare

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/sandflare/sandflare-go/internal/transport"
	"github.com/sandflare/sandflare-go/internal/wire"
)

const (
	installTimeout = 200 * time.Second
	cloneTimeout   = 300 * time.Second
)

// PackageManager is what installs a package.
type PackageManager string

// The package managers of the API.
const (
	Apt PackageManager = "apt"
	Pip PackageManager = "pip"
	NPM PackageManager = "npm"
)

// GitCloneOptions say what of a repository is cloned, and as whom.
type GitCloneOptions struct {
	Path   string // where to; default: the service's choice, told in the result
	Branch string // default: the repository's
	Depth  int    // default 1
	Token  string // for HTTPS; appears in no error
	SSHKey string // a private key, for SSH; appears in no error
	// Timeout bounds the call; default 300s.
	Timeout time.Duration
}

// GitCloneResult is what was cloned, as POST …/git/clone answers.
type GitCloneResult struct{ Path, Repo, Branch, Output string }

// Install installs a package and waits for it, at most 200 seconds (POST
// …/install). A failing installation is a result, see [ExecResult.Err].
func (s *Sandbox) Install(ctx context.Context, pm PackageManager, pkg string) (*ExecResult, error) {
	const verb = "install in"
	if err := s.ready(ctx, verb); err != nil {
		return nil, err
	}
	if pm == "" || pkg == "" {
		return nil, invalid(s.op(verb), "a package manager (%s, %s, %s) and a package are needed", Apt, Pip, NPM)
	}
	if strings.HasPrefix(pkg, "-") {
		return nil, invalid(s.op(verb), "the package %q would be taken for an option", pkg)
	}
	if err := checkText(s.op(verb), "package", string(pm)+pkg); err != nil {
		return nil, err
	}
	body := jsonBody(wire.InstallPackage{Pkg: pkg, Runtime: string(pm)})
	return s.result(ctx, verb, transport.Request{Route: wire.Install, Body: body, Timeout: installTimeout, Limit: maxOutput})
}

// GitClone clones a repository into the sandbox (POST …/git/clone). The
// error's text never has the token, the key or what stands before the URL's @.
func (s *Sandbox) GitClone(ctx context.Context, repoURL string, opts *GitCloneOptions) (*GitCloneResult, error) {
	const verb = "git clone in"
	if err := s.ready(ctx, verb); err != nil {
		return nil, err
	}
	if opts == nil {
		opts = &GitCloneOptions{}
	}
	if err := checkClone(s.op(verb), repoURL, opts); err != nil {
		return nil, err
	}
	body := wire.Clone{Repo: repoURL, Depth: opts.Depth, Path: opts.Path, Branch: opts.Branch, Token: opts.Token, SSHKey: opts.SSHKey}
	if body.Depth == 0 {
		body.Depth = 1
	}
	req := transport.Request{Route: wire.GitClone, Body: jsonBody(body), Timeout: cloneTimeout, Secrets: cloneSecrets(repoURL, opts)}
	if opts.Timeout > 0 {
		req.Timeout = opts.Timeout
	}
	var answer wire.CloneResult
	if err := s.send(ctx, verb, req, into(&answer)); err != nil {
		return nil, err
	}
	return &GitCloneResult{Path: answer.Path, Repo: answer.Repo, Branch: answer.Branch, Output: answer.Output}, nil
}

// checkClone refuses what git would take for an option or a program to run.
func checkClone(op, repoURL string, opts *GitCloneOptions) error {
	switch {
	case repoURL == "":
		return invalid(op, "the repository URL is empty")
	case strings.HasPrefix(repoURL, "-"):
		return invalid(op, "the repository URL begins with -: git would take it for an option")
	case strings.Contains(repoURL, "::"):
		return invalid(op, "the repository URL names a transport helper (::), which would run a program")
	case strings.HasPrefix(opts.Branch, "-"):
		return invalid(op, "the branch %q begins with -: git would take it for an option", opts.Branch)
	case strings.HasPrefix(opts.Path, "-"):
		return invalid(op, "the path %q begins with -: write ./%s", opts.Path, opts.Path)
	case opts.Depth < 0:
		return invalid(op, "Depth is %d: it cannot be negative; 0 means 1", opts.Depth)
	}
	for what, text := range map[string]string{
		"repository URL": repoURL, "branch": opts.Branch, "path": opts.Path, "token": opts.Token, "SSH key": opts.SSHKey,
	} {
		if err := checkText(op, what, text); err != nil {
			return err
		}
	}
	return checkDuration(op, "Timeout", opts.Timeout)
}

// cloneSecrets are the texts that no error may show.
func cloneSecrets(repoURL string, opts *GitCloneOptions) []string {
	secrets := []string{opts.Token, strings.TrimSpace(opts.SSHKey)}
	if u, err := url.Parse(repoURL); err == nil && u.User != nil {
		password, _ := u.User.Password()
		secrets = append(secrets, u.User.String(), password)
		if password == "" { // a token alone stands where the name is
			secrets = append(secrets, u.User.Username())
		}
	}
	return secrets
}
