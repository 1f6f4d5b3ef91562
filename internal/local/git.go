package local

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/sandflare/sandflare-go/internal/local/guest"
	"github.com/sandflare/sandflare-go/internal/wire"
)

// clone is a git clone with its credentials apart from its URL, so that
// neither arguments, nor the clone's own configuration, nor logs hold them.
type clone struct {
	wire.Clone
	env     []string
	secrets []string
}

// scpLike is the short form of an ssh URL: user@host:path.
var scpLike = regexp.MustCompile(`^[\w.-]+@[\w.-]+:[^:]`)

func newClone(req wire.Clone) (*clone, error) {
	c := &clone{Clone: req, env: []string{"GIT_TERMINAL_PROMPT=0", "GIT_ALLOW_PROTOCOL=https:http:ssh:git:file"}}
	c.Repo = cmp.Or(req.Repo, req.URL)
	for what, text := range map[string]string{"repo": c.Repo, "branch": c.Branch, "path": c.Path} {
		if strings.HasPrefix(text, "-") || strings.ContainsAny(text, "\x00\n") {
			return nil, badRequest("%s begins with - or holds a NUL or newline", what)
		}
	}
	if c.Depth == 0 {
		c.Depth = 1
	}
	if c.Depth < 0 {
		return nil, badRequest("depth is %d: use 1 or more", c.Depth)
	}
	if err := c.takeCredentials(); err != nil {
		return nil, err
	}
	name := strings.TrimSuffix(path.Base(strings.ReplaceAll(c.Repo, ":", "/")), ".git")
	c.Path = inHome(cmp.Or(c.Path, name))
	return c, nil
}

// takeCredentials moves the token, or what stands in the URL, into a header
// that git takes from its environment.
func (c *clone) takeCredentials() error {
	if path.IsAbs(c.Repo) || scpLike.MatchString(c.Repo) {
		return nil
	}
	u, err := url.Parse(c.Repo)
	if err != nil || u.Scheme == "" || strings.Contains(c.Repo, "::") {
		return badRequest("repo is no URL that git clones: use https://, ssh:// or git@host:path")
	}
	user, password := u.User.Username(), ""
	if u.User != nil {
		password, _ = u.User.Password()
	}
	if web := u.Scheme == "https" || u.Scheme == "http"; !web {
		return c.refusePassword(u, password)
	}
	if c.Token != "" {
		user, password = "x-access-token", c.Token
	}
	u.User = nil
	c.Repo = u.String()
	if user != "" || password != "" {
		basic := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
		c.secrets = append(c.secrets, password, basic)
		if password == "" {
			c.secrets = append(c.secrets, user) // a token in the place of the name
		}
		c.config("http."+u.Scheme+"://"+u.Host+"/.extraHeader", "Authorization: Basic "+basic)
	}
	return nil
}

// refusePassword refuses a password where git would show it: in arguments,
// output and the clone's configuration. Only http and https take one.
func (c *clone) refusePassword(u *url.URL, password string) error {
	if password != "" || u.User != nil && u.Scheme != "ssh" {
		return badRequest("a %s:// URL cannot carry credentials without showing them: use https:// with a token, or an ssh key", u.Scheme)
	}
	return nil
}

// config sets one git setting for the clone only.
func (c *clone) config(key, value string) {
	c.env = append(c.env, "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0="+key, "GIT_CONFIG_VALUE_0="+value)
}

// args are those of git, in which from is the repository.
func (c *clone) args(from string) []string {
	args := []string{"git", "clone", "--depth", fmt.Sprint(c.Depth)}
	if c.Branch != "" {
		args = append(args, "--branch", c.Branch)
	}
	return append(args, "--", from, c.Path)
}

func (c *clone) redact(text string) string {
	for _, secret := range c.secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "[hidden]")
		}
	}
	return text
}

// gitClone clones a repository with the git that the sandbox has.
func (sb *sandbox) gitClone(ctx context.Context, req wire.Clone) (wire.CloneResult, error) {
	c, err := newClone(req)
	if err != nil {
		return wire.CloneResult{}, err
	}
	if c.SSHKey != "" {
		remove, err := sb.sshKey(ctx, c)
		if err != nil {
			return wire.CloneResult{}, err
		}
		defer remove()
	}
	from := c.Repo
	if file, ok := strings.CutPrefix(from, "file://"); ok {
		from = "file://" + sb.text(file)
	}
	sb.logs.command(c.redact(strings.Join(c.args(c.Repo), " ")))
	res, err := sb.quietly(ctx, guest.Command{Args: c.args(from), Env: c.env, Timeout: cloneTimeout})
	if err != nil {
		return wire.CloneResult{}, err
	}
	output := c.redact(res.stdout + res.stderr)
	sb.logs.text(output)
	switch {
	case res.exit.TimedOut:
		return wire.CloneResult{}, badRequest("git clone timed out after %v", cloneTimeout)
	case res.exit.Code == notInstalled && !sb.has(ctx, "git"):
		return wire.CloneResult{}, notInstalledHere("git")
	case res.exit.Code != 0:
		return wire.CloneResult{}, badRequest("git clone failed (exit code %d): %s", res.exit.Code, lastLines(output, 5))
	}
	return wire.CloneResult{Path: c.Path, Repo: c.Repo, Branch: cmp.Or(c.Branch, sb.branch(ctx, c.Path)), Output: output}, nil
}

// branch is the one that a clone has checked out.
func (sb *sandbox) branch(ctx context.Context, dir string) string {
	res, _ := sb.quietly(ctx, guest.Command{Args: []string{"git", "-C", dir, "symbolic-ref", "--short", "-q", "HEAD"}}) // a clone without a branch has none to tell
	return strings.TrimSpace(res.stdout)
}

// sshKey puts the key into a file that only lasts for the clone.
func (sb *sandbox) sshKey(ctx context.Context, c *clone) (remove func(), err error) {
	key, err := inputFile(strings.TrimSpace(c.SSHKey) + "\n")
	if err != nil {
		return nil, err
	}
	defer key.Close()
	file := "/tmp/.ssh-key-" + rand.Text()
	res, err := sb.quietly(ctx, guest.Command{Args: []string{"sh", "-c", `umask 077; cat >"$1"`, "sh", file}, Stdin: key})
	if err != nil {
		return nil, err
	}
	if res.exit.Code != 0 {
		return nil, fmt.Errorf("write the ssh key: %s", res.stderr)
	}
	c.env = append(c.env, "GIT_SSH_COMMAND=ssh -i "+file+" -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=accept-new")
	return func() {
		_, _ = sb.quietly(context.WithoutCancel(ctx), guest.Command{Args: []string{"rm", "-f", "--", file}}) // the sandbox may be gone
	}, nil
}
