// Command interop lets clients that nobody here wrote judge the local Sandflare
// and this SDK: the public Python SDK in two releases, its async client, and
// its command line. All of them and this SDK run the same scenario, and one
// table compares what they see.
//
//	make interop
//
// It needs Go and python3. The first run fetches the Python packages into
// .venv-interop; nothing else leaves this machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// limit is far above what a run takes: it ends one that hangs.
const limit = 6 * time.Minute

func main() {
	if len(os.Args) == 2 && os.Args[1] == "scenario" {
		os.Exit(runScenario(os.Stdout))
	}
	verbose := flag.Bool("v", false, "show the value of every row")
	tier := flag.String("isolation", "auto", "`tier` of the servers' isolation")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := run(ctx, os.Stdout, *tier, *verbose); err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		os.Exit(1)
	}
}

// errDiffers is told by the table already.
var errDiffers = errors.New("the clients do not agree, or not with what is expected: see above")

func run(ctx context.Context, out io.Writer, tier string, verbose bool) error {
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	venvs, err := prepareVenvs(ctx, filepath.Join(root, ".venv-interop"))
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "sandflare-interop-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	lab, err := openLab(ctx, root, work, tier, venvs)
	if err != nil {
		return err
	}
	defer lab.close()
	results, err := lab.runAll(ctx)
	if err != nil {
		return err
	}
	if !printTable(out, sections(lab.machine), results, verbose) {
		return errDiffers
	}
	return nil
}

func moduleRoot(ctx context.Context) (string, error) {
	text, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	return filepath.Dir(strings.TrimSpace(string(text))), nil
}

// lab is everything the clients work with: fixtures and for each client a
// server and doors of its own, so that lists hold what that client made.
type lab struct {
	root, work string
	venvs      map[string]string
	fixtures   string
	shared     *server // for sandboxes that go from one client to another
	machine    machine
	git        string // where repositories are
	stopGit    func()
	cas        string // certificates of all servers and doors
	servers    map[column]*server
	doors      map[column]*doors
}

func openLab(ctx context.Context, root, work, tier string, venvs map[string]string) (_ *lab, err error) {
	l := &lab{root: root, work: work, venvs: venvs, servers: map[column]*server{}, doors: map[column]*doors{}}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	l.fixtures = filepath.Join(work, "fixtures")
	if err := writeFixtures(l.fixtures); err != nil {
		return nil, err
	}
	if l.git, l.stopGit, err = serveGit(ctx, filepath.Join(work, "git")); err != nil {
		return nil, err
	}
	binary := filepath.Join(work, "sandflare-local")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/sandflare-local")
	build.Dir = root
	if text, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build sandflare-local: %w\n%s", err, text)
	}
	authority, err := newAuthority()
	if err != nil {
		return nil, err
	}
	var bundles [][]byte
	for _, col := range allColumns {
		srv, err := startServer(ctx, binary, tier)
		if err != nil {
			return nil, err
		}
		l.servers[col] = srv
		bundles = append(bundles, srv.ca)
		if l.doors[col], err = openDoors(srv, authority); err != nil {
			return nil, err
		}
	}
	if l.shared, err = startServer(ctx, binary, tier); err != nil {
		return nil, err
	}
	bundles = append(bundles, l.shared.ca)
	isolation, err := l.shared.isolation(ctx)
	if err != nil {
		return nil, err
	}
	l.machine = machine{namespaces: isolation == "namespace", root: os.Geteuid() == 0}
	if err := l.give(ctx); err != nil {
		return nil, err
	}
	l.cas = filepath.Join(work, "ca.pem")
	trusted := append(onlyInOne(bundles), authority.pem...)
	return l, os.WriteFile(l.cas, trusted, 0o600)
}

func (l *lab) close() {
	if l.stopGit != nil {
		l.stopGit()
	}
	for _, d := range l.doors {
		d.close()
	}
	for _, srv := range l.servers {
		srv.stop()
	}
	if l.shared != nil {
		l.shared.stop()
	}
}

// runAll runs the clients, two at a time, and returns what each of them saw.
func (l *lab) runAll(ctx context.Context) (map[column]report, error) {
	results := map[column]report{}
	var failures []error
	var mu sync.Mutex
	var wait sync.WaitGroup
	slots := make(chan struct{}, 2)
	for _, col := range allColumns {
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			start := time.Now()
			rep, err := l.runColumn(ctx, col)
			mu.Lock()
			fmt.Fprintf(os.Stderr, "interop: %s: %d steps in %.0f s\n", col, len(rep), time.Since(start).Seconds())
			defer mu.Unlock()
			results[col] = rep
			if err != nil {
				failures = append(failures, fmt.Errorf("%s: %w", col, err))
			}
		})
	}
	wait.Wait()
	for _, err := range failures {
		fmt.Fprintln(os.Stderr, "interop:", err)
	}
	return results, ctx.Err()
}
