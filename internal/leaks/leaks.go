// Package leaks counts what the tests of a package leave behind: goroutines,
// file descriptors (connections are descriptors), child processes and
// temporary files. Tests alone import it.
package leaks

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"time"
)

// patience is how long what is ending may take to end.
const patience = 10 * time.Second

// Main is the TestMain of a package that needs nothing else.
func Main(m *testing.M) { os.Exit(Run(m.Run)) }

// inner marks the copies that tests start of their own program; they may be killed.
const inner = "SANDFLARE_TESTS_COUNTED"

// Run runs tests with a temporary folder of their own and returns their exit
// code, or 1 when something is left behind.
func Run(tests func() int) int {
	if os.Getenv(inner) != "" {
		return tests()
	}
	os.Setenv(inner, "yes")
	temp, err := privateTemp()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(temp)
	before := take(temp)
	code := tests()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	if code != 0 || fuzzing() {
		return code
	}
	if left := before.wait(temp); left != "" {
		before.report(os.Stderr, left)
		return 1
	}
	if stuck := Stuck(); stuck != "" {
		fmt.Fprintln(os.Stderr, stuck)
		return 1
	}
	return 0
}

// Stuck shows the goroutines that nothing can ever wake up, as the garbage
// collector finds them in programs that are built with
// GOEXPERIMENT=goroutineleakprofile; in others it finds none.
func Stuck() string {
	profile := pprof.Lookup("goroutineleak")
	if profile == nil {
		return ""
	}
	var text strings.Builder
	_ = profile.WriteTo(&text, 1)
	if strings.HasPrefix(text.String(), "goroutineleak profile: total 0\n") {
		return ""
	}
	return text.String()
}

// privateTemp keeps the tests of packages that run at the same time apart.
// Tests may become other users, so that it is open to everybody.
func privateTemp() (string, error) {
	temp, err := os.MkdirTemp("", "tests-")
	if err == nil {
		err = os.Chmod(temp, 0o777|os.ModeSticky)
	}
	if err == nil {
		err = os.Setenv("TMPDIR", temp)
	}
	return temp, err
}

// fuzzing has goroutines and files of its own.
func fuzzing() bool {
	f := flag.Lookup("test.fuzz")
	return f != nil && f.Value.String() != ""
}

// Counts are what there is at one moment.
type Counts struct {
	goroutines, descriptors, children int
	temporary                         []string
}

func take(temp string) Counts {
	if l, err := net.Listen("tcp", "127.0.0.1:0"); err == nil { // the runtime's own descriptors are there from now on
		l.Close()
	}
	return now(temp)
}

func now(temp string) Counts {
	c := Counts{goroutines: runtime.NumGoroutine(), descriptors: descriptors(), children: children()}
	entries, _ := os.ReadDir(cmp.Or(temp, os.DevNull))
	for _, entry := range entries {
		c.temporary = append(c.temporary, entry.Name())
	}
	return c
}

// Now counts goroutines, descriptors and children, for a test that runs alone.
func Now() Counts { return take("") }

// Left waits for what is ending and returns what is more than it was, "" when nothing is.
func (c Counts) Left() string { return c.wait("") }

// wait returns what stays more than it was, "" when nothing does.
func (c Counts) wait(temp string) string {
	var left string
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if left = c.more(now(temp)); left == "" || time.Now().After(end) {
			return left
		}
	}
}

func (c Counts) more(later Counts) string {
	var left []string
	for what, n := range map[string][2]int{
		"goroutines": {c.goroutines, later.goroutines}, "file descriptors": {c.descriptors, later.descriptors},
		"child processes": {c.children, later.children}, "temporary files": {0, len(later.temporary)},
	} {
		if n[1] > n[0] {
			left = append(left, fmt.Sprintf("%d %s instead of %d", n[1], what, n[0]))
		}
	}
	if len(later.temporary) > 0 {
		left = append(left, strings.Join(later.temporary, " "))
	}
	return strings.Join(left, ", ")
}

func (c Counts) report(w io.Writer, left string) {
	fmt.Fprintln(w, "left behind:", left)
	if strings.Contains(left, "goroutines") {
		_ = pprof.Lookup("goroutine").WriteTo(w, 1)
	}
	if strings.Contains(left, "descriptors") {
		fmt.Fprintln(w, strings.Join(openFiles(), "\n"))
	}
}
