package local

import (
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sandflare/sandflare-go/internal/local/guest"
)

// home is where commands start and relative paths begin.
const home = "/home/user"

// What of the host's environment a sandbox sees: never its secrets.
var (
	plainVars = []string{"LANG", "LC_ALL", "LC_CTYPE", "TERM", "TZ"}
	caVars    = []string{"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "PIP_CERT", "GIT_SSL_CAINFO"}
	proxyVars = []string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy"}
)

// baseEnv is the environment that every command of every sandbox begins with.
func baseEnv(tier guest.Tier, lookup func(string) (string, bool)) []string {
	env := []string{"HOME=" + home, "PATH=" + searchPath(lookup), "PIP_BREAK_SYSTEM_PACKAGES=1"}
	add := func(names []string, keep func(string) bool) {
		for _, name := range names {
			if value, ok := lookup(name); ok && keep(value) {
				env = append(env, name+"="+value)
			}
		}
	}
	add(plainVars, func(string) bool { return true })
	add(caVars, func(path string) bool { return tier != guest.Namespace || shownInside(path) })
	add(proxyVars, func(value string) bool { return !hasCredentials(value) })
	return env
}

// searchPath is the host's PATH with what pip installs before it and the
// standard folders behind it.
func searchPath(lookup func(string) (string, bool)) string {
	host, _ := lookup("PATH")
	dirs := append([]string{home + "/.local/bin"}, filepath.SplitList(host)...)
	for _, dir := range []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"} {
		if !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	dirs = slices.DeleteFunc(dirs, func(dir string) bool { return !filepath.IsAbs(dir) })
	return strings.Join(dirs, ":")
}

// shownInside: a CA file that does not exist inside would break every TLS client there.
func shownInside(path string) bool {
	for _, root := range []string{"/etc/", "/usr/", "/opt/"} {
		if strings.HasPrefix(path, root) {
			return true
		}
	}
	return false
}

func hasCredentials(proxy string) bool {
	u, err := url.Parse(proxy)
	return strings.Contains(proxy, "@") || err == nil && u.User != nil
}

// maxVariable is what the kernel takes of one variable: name, =, value and NUL.
const maxVariable = 128 << 10

// checkEnv refuses what no environment can hold.
func checkEnv(env map[string]string) error {
	for name, value := range env {
		if name == "" || strings.ContainsAny(name, "=\x00") {
			return badRequest("%q is no name for an environment variable", name)
		}
		if strings.ContainsRune(value, 0) {
			return badRequest("the value of environment variable %s holds a NUL byte", name)
		}
		if len(name)+len(value)+2 > maxVariable {
			return badRequest("environment variable %.40s has %d bytes: with its name one may have %d; put the value into a file", name, len(value), maxVariable-2)
		}
	}
	return nil
}

// environ lists the variables in a fixed order.
func environ(env map[string]string) []string {
	list := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		list = append(list, name+"="+env[name])
	}
	return list
}

func hostEnv(name string) (string, bool) { return os.LookupEnv(name) }
