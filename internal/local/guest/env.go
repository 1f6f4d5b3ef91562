//go:build linux || darwin

package guest

import (
	"strconv"
	"strings"
)

const (
	home        = "/home/user"
	defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
)

// loginPath is the variable in which login shells of the process tier find the
// PATH that they were given: the machine's /etc/profile often sets another one.
const loginPath = "SANDFLARE_PATH"

// loginProfile is read after it, in place of the file that it reads itself.
const loginProfile = `# Puts back what /etc/profile may have done to PATH.
PATH=${` + loginPath + `-$PATH}
if [ -r ~/.bash_login ]; then . ~/.bash_login; elif [ -r ~/.profile ]; then . ~/.profile; fi
`

// mergeEnv joins environments; of equal names the last one counts.
func mergeEnv(lists ...[]string) []string {
	var merged []string
	at := map[string]int{}
	for _, list := range lists {
		for _, entry := range list {
			name, _, ok := strings.Cut(entry, "=")
			if !ok || name == "" || strings.ContainsRune(entry, 0) {
				continue
			}
			if i, known := at[name]; known {
				merged[i] = entry
				continue
			}
			at[name] = len(merged)
			merged = append(merged, entry)
		}
	}
	return merged
}

// userName is who commands run as: in a namespace root, else who the server is.
func userName(tier Tier, uid int, passwd string) string {
	if tier == Namespace || uid == 0 {
		return "root"
	}
	for line := range strings.Lines(passwd) {
		if fields := strings.Split(line, ":"); len(fields) > 2 && fields[2] == strconv.Itoa(uid) {
			return fields[0]
		}
	}
	return strconv.Itoa(uid)
}

func lookupEnv(env []string, name string) string {
	for _, entry := range env {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}

// environment is what a command sees: what is usual, Spec.Env, its own.
func (s *server) environment(dir string, own []string) []string {
	usual := []string{"HOME=" + s.home, "USER=" + s.user, "LOGNAME=" + s.user, "SHELL=/bin/bash", "PATH=" + defaultPath, "PWD=" + dir}
	if s.Tier != ProcessTier {
		return mergeEnv(usual, s.Env, own)
	}
	env := mergeEnv(usual, []string{"TMPDIR=" + s.root + "/tmp"}, s.Env, own)
	return append(env, loginPath+"="+lookupEnv(env, "PATH"))
}

// path is where a path of the sandbox lies in the guest's eyes.
func (s *server) path(p string) string {
	if !strings.HasPrefix(p, "/") {
		return s.home + "/" + p
	}
	if s.root == "" {
		return p
	}
	return mapPath(p, s.root)
}

// mapWords maps the sandbox's own folders in a command, in the tier that has no file tree of its own.
func (s *server) mapWords(r *execRequest) {
	if s.root == "" {
		return
	}
	mapAll(r.Args, s.root)
	mapAll(r.Env, s.root)
}

func mapAll(list []string, root string) {
	for i, text := range list {
		list[i] = mapWords(text, root)
	}
}
