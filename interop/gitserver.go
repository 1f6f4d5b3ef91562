package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// gitToken opens the private repository.
const gitToken = "tok-123456"

// makeRepository has a branch main of two commits and side of three.
const makeRepository = `set -e
export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.test GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.test
git init -q -b main work && cd work
echo one >file && git add file && git commit -qm one
echo two >file && git commit -qam two
git checkout -qb side && echo side >file && git commit -qam side && git checkout -q main
cd .. && mkdir public private
git clone -q --bare work public/origin.git && git clone -q --bare work private/origin.git
`

// serveGit makes repositories and serves them on loopback, as a forge does.
func serveGit(ctx context.Context, dir string) (url string, stop func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", nil, err
	}
	script := exec.CommandContext(ctx, "bash", "-c", makeRepository)
	script.Dir = dir
	if text, err := script.CombinedOutput(); err != nil {
		return "", nil, fmt.Errorf("make a git repository: %w\n%s", err, text)
	}
	programs, err := exec.CommandContext(ctx, "git", "--exec-path").Output()
	if err != nil {
		return "", nil, err
	}
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	backend := &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(programs)), "git-http-backend"),
		Env: []string{
			"GIT_PROJECT_ROOT=" + dir, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_GLOBAL=/dev/null",
			"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*",
		},
		Stderr: io.Discard, // it tells of repositories that are not there, as asked
	}
	srv := &http.Server{Handler: withToken(backend)}
	go func() { _ = srv.Serve(lis) }()
	return "http://" + lis.Addr().String(), func() { _ = srv.Close() }, nil
}

// withToken asks for the token where a repository is private.
func withToken(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, token, _ := r.BasicAuth()
		if strings.HasPrefix(r.URL.Path, "/private/") && token != gitToken {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}
