//go:build linux

package guest_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/sandflare/sandflare-go/internal/local/guest"
)

// inSandbox runs a script on the host, then one in a sandbox, and prints what that one says. For helpers.
func inSandbox(host, script string) error { return inSandboxes([]string{host}, script) }

// inSandboxes does it several times, with sandboxes of one server.
func inSandboxes(host []string, script string) (err error) {
	dir, err := os.MkdirTemp("", "guest-")
	if err != nil {
		return err
	}
	defer guest.RemoveAll(dir)
	if err := os.Mkdir(dir+"/shared", 0o700); err != nil {
		return err
	}
	for i, prepare := range host {
		if out, err := exec.Command("bash", "-c", prepare).CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		own := fmt.Sprintf("%s/dir%d", dir, i)
		if err := os.Mkdir(own, 0o700); err != nil {
			return err
		}
		if err := printOf(guest.Spec{Name: "sb-test", Tier: guest.Namespace, Dir: own, Shared: dir + "/shared"}, script); err != nil {
			return err
		}
	}
	return nil
}

func printOf(spec guest.Spec, script string) error {
	g, err := guest.Start(context.Background(), spec)
	if err != nil {
		return err
	}
	defer g.Close()
	p, err := g.Exec(context.Background(), guest.Command{Args: []string{"bash", "-c", script}})
	if err != nil {
		return err
	}
	if _, err := io.Copy(os.Stdout, p.Stdout); err != nil {
		return err
	}
	_, err = p.Wait()
	return err
}
