package local

import (
	"context"
	"os"
	"strings"

	"github.com/sandflare/sandflare-go/internal/local/guest"
)

// installers are what a package manager's name runs, the packages behind it.
var installers = map[string][]string{
	"apt": {"sh", "-c", `apt-get update -q && exec apt-get install -y -q --no-install-recommends -- "$@"`, "sh"},
	"pip": {"python3", "-m", "pip", "install", "--user", "--no-input", "--disable-pip-version-check", "--"},
	"npm": {"npm", "install", "--prefix", home, "--no-fund", "--no-audit", "--"},
}

// needs names the program that each of them runs.
var needs = map[string]string{"apt": "apt-get", "pip": "python3", "npm": "npm"}

// install installs packages, several when blanks are between them, where run
// code finds them.
func (sb *sandbox) install(ctx context.Context, tier guest.Tier, manager, pkg string) (result, error) {
	installer, known := installers[manager]
	packages := strings.Fields(pkg)
	switch {
	case !known:
		return result{}, badRequest("runtime is %q: use apt, pip or npm", manager)
	case len(packages) == 0:
		return result{}, badRequest("pkg is missing")
	case manager == "apt" && (tier != guest.Namespace || os.Geteuid() != 0):
		return result{}, badRequest("apt needs a local Sandflare that runs as root with isolation %q: here its packages would have to be installed on the machine itself; pip and npm work", guest.Namespace)
	}
	for _, name := range packages {
		if strings.HasPrefix(name, "-") {
			return result{}, badRequest("%q is an option, not a package", name)
		}
	}
	sb.logs.command(manager + " install " + pkg)
	res, err := sb.run(ctx, guest.Command{
		Args:    append(append([]string{}, installer...), packages...),
		Env:     []string{"DEBIAN_FRONTEND=noninteractive"},
		Timeout: installTimeout,
	})
	if program := needs[manager]; err == nil && res.exit.Code == notInstalled && !sb.has(ctx, program) {
		err = notInstalledHere(program)
	}
	return res, err
}
