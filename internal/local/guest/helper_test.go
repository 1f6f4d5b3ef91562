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
func inSandbox(host, script string) (err error) {
	if out, err := exec.Command("bash", "-c", host).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	dir, err := os.MkdirTemp("", "guest-")
	if err != nil {
		return err
	}
	defer guest.RemoveAll(dir)
	for _, part := range []string{"/dir", "/shared"} {
		if err := os.Mkdir(dir+part, 0o700); err != nil {
			return err
		}
	}
	g, err := guest.Start(context.Background(), guest.Spec{Name: "sb-test", Tier: guest.Namespace, Dir: dir + "/dir", Shared: dir + "/shared"})
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
