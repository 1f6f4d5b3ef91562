package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/sandflare/sandflare-go"
)

func (s *scenario) git(sb *sandflare.Sandbox) {
	s.heading = "Git clone"
	forge := os.Getenv("INTEROP_GIT")
	clone := func(repository string, opts sandflare.GitCloneOptions) value {
		return func() (any, error) {
			r, err := sb.GitClone(s.ctx, forge+"/"+repository, &opts)
			if err != nil {
				return nil, err
			}
			seen := s.stdout(sb, fmt.Sprintf("cat %s/file; git -C %[1]s rev-list --count HEAD", r.Path))
			return []any{r.Path, strings.TrimPrefix(r.Repo, forge), r.Branch, strings.Contains(r.Output, "Cloning into"), seen}, nil
		}
	}
	const public, private = "public/origin.git", "private/origin.git"
	s.step("path and branch", clone(public, sandflare.GitCloneOptions{Path: "/home/user/agent/repo", Branch: "main", Depth: 1}))
	s.step("defaults", clone(public, sandflare.GitCloneOptions{}))
	s.step("other branch, deep", clone(public, sandflare.GitCloneOptions{Path: "/home/user/side", Branch: "side", Depth: 10}))
	s.step("repository that is not there", clone("public/none.git", sandflare.GitCloneOptions{}))
	s.step("branch that is not there", clone(public, sandflare.GitCloneOptions{Path: "/home/user/x", Branch: "none"}))
	s.step("option as URL", func() (any, error) {
		return sb.GitClone(s.ctx, "--upload-pack=touch /tmp/owned", &sandflare.GitCloneOptions{Path: "/home/user/y"})
	})
	s.step("private: without a token", clone(private, sandflare.GitCloneOptions{Path: "/home/user/p"}))
	s.step("private: with its token", clone(private, sandflare.GitCloneOptions{Path: "/home/user/p", Token: gitToken}))
	s.step("token and key are kept nowhere", func() (any, error) {
		_, _ = sb.GitClone(s.ctx, "ssh://127.0.0.1:1/x", &sandflare.GitCloneOptions{SSHKey: "key-123456", Path: "/home/user/w"})
		lines, err := sb.Logs(s.ctx)
		found := []any{}
		for _, line := range lines {
			if strings.Contains(line, "123456") {
				found = append(found, line)
			}
		}
		return append(found, s.stdout(sb, "grep -r 123456 p/.git")), err
	})
}
