// Command sandflare-local is the local Sandflare as a program: the API of the
// hosted service on loopback, for any client of it.
//
//	sandflare-local serve
//	sandflare-local run -- go run ./examples/quickstart
//	sandflare-local doctor
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/sandflare/sandflare-go"
)

const usage = `sandflare-local is Sandflare on this machine: the same API, no account, no network.
It runs real commands, in sandboxes of its own. It is for development and tests:
sandboxes share this machine's kernel and do not hold hostile code.

usage:
  sandflare-local serve  [flags]               start it and print how to reach it
  sandflare-local run    [flags] -- CMD ARGS…  start it, run CMD against it, stop it
  sandflare-local doctor                       say what works on this machine
  sandflare-local --version                    print the version

Any client finds it by what serve prints and run sets: SANDFLARE_API_URL,
SANDFLARE_API_KEY and, with --tls, SSL_CERT_FILE.

"sandflare-local serve --help" lists the flags.
`

// exitUsage is what shells use for a command line that cannot be understood.
const exitUsage = 2

func main() {
	os.Exit(start(os.Args[1:], os.Stdout, os.Stderr))
}

// start runs one of the commands and returns the exit code.
func start(args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		args = []string{""}
	}
	var code int
	var err error
	switch name, rest := args[0], args[1:]; name {
	case "serve":
		err = serve(rest, stdout, stderr)
	case "run":
		code, err = run(rest, stderr)
	case "doctor":
		err = doctor(rest, stdout, stderr)
	case "version", "-version", "--version":
		fmt.Fprintln(stdout, "sandflare-local", sandflare.Version)
	case "help", "-h", "-help", "--help":
		fmt.Fprint(stdout, usage)
	default:
		fmt.Fprint(stderr, usage)
		err = errUsage
	}
	return outcome(code, err, stderr)
}

// errUsage is a wrong command line that has been explained already.
var errUsage = errors.New("usage")

// outcome turns what a command returns into an exit code; an error never is 0.
func outcome(code int, err error, stderr io.Writer) int {
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		return exitUsage
	case err != nil:
		fmt.Fprintf(stderr, "sandflare-local: %v\n", err)
		return max(code, 1)
	}
	return code
}
