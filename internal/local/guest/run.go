//go:build linux || darwin

package guest

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	exitTimedOut      = 124 // as timeout(1)
	exitNotExecutable = 126
	exitNotFound      = 127
)

// command is one program under way, on the guest's side.
type command struct {
	family
	conv *conn

	mu       sync.Mutex
	status   *syscall.WaitStatus
	killing  bool
	timedOut bool
	told     chan struct{} // closed with the exit on its way
}

// exec runs on the main thread: its privileges are the ones that commands inherit.
func (s *server) exec(c *conn, d *decoder, fds []int) {
	defer closeAll(fds)
	var r execRequest
	if err := r.decode(d); err != nil || r.Stdin != (len(fds) > 2) {
		c.send(newReply(errMalformed).frame())
		c.Close()
		return
	}
	s.mapWords(&r)
	s.lent.Wait()
	code, text := s.launch(c, r, fds)
	if code == 0 {
		return
	}
	syscall.Write(fds[1], []byte(text+"\n"))
	c.send(newReply(nil).int(0).frame())
	c.send(exitReply(code, false))
	c.Close()
}

// launch starts the command; else it says why not, in a shell's way.
func (s *server) launch(c *conn, r execRequest, fds []int) (code int, text string) {
	dir := s.home
	if r.Dir != "" {
		dir = s.path(r.Dir)
	}
	start, startName, err := openStart(dir)
	if err != nil {
		return 1, fmt.Sprintf("cd: %s: %s", dir, reason(err))
	}
	defer syscall.Close(start)
	env := s.environment(dir, r.Env)
	path, err := lookPath(r.Args[0], dir, lookupEnv(env, "PATH"))
	if err != nil {
		return startProblem(r.Args[0], err)
	}
	stdin := s.null
	if r.Stdin {
		stdin = fds[2]
	}
	s.execs++
	cmd := &command{conv: c, told: make(chan struct{}), family: newFamily(s, s.execs)}
	attr := &syscall.ProcAttr{Dir: startName, Env: env, Files: []uintptr{uintptr(stdin), uintptr(fds[0]), uintptr(fds[1])}, Sys: s.commandAttr()}
	started := func(pid int) {
		cmd.begin(pid)
		c.send(newReply(nil).int(int64(pid)).frame())
	}
	err = s.reaper.fork(path, r.Args, attr, started, cmd.exited)
	if err == syscall.ENOEXEC { // a script without a first line: shells run it themselves
		err = s.reaper.fork("/bin/sh", append([]string{"sh", path}, r.Args[1:]...), attr, started, cmd.exited)
	}
	if err != nil {
		return startProblem(r.Args[0], err)
	}
	go cmd.serve(s, r.Timeout)
	return 0, ""
}

func startProblem(name string, err error) (int, string) {
	switch {
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ENOTDIR):
		if strings.Contains(name, "/") {
			return exitNotFound, name + ": No such file or directory"
		}
		return exitNotFound, name + ": command not found"
	default:
		return exitNotExecutable, name + ": " + reason(err)
	}
}

// reason is an error's text as shells print it.
func reason(err error) string {
	errno := syscall.EIO
	errors.As(err, &errno)
	text := errno.Error()
	return strings.ToUpper(text[:1]) + text[1:]
}

// lookPath finds a program the way shells do.
func lookPath(name, dir, path string) (string, error) {
	if strings.Contains(name, "/") {
		return name, executableFile(under(dir, name))
	}
	found := error(syscall.ENOENT)
	for _, folder := range filepath.SplitList(path) {
		file := under(dir, filepath.Join(folder, name))
		if err := executableFile(file); err == nil {
			return file, nil
		} else if errors.Is(err, errNotExecutable) && name != "" {
			found = syscall.EACCES
		}
	}
	return "", found
}

func under(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

func executableFile(path string) error {
	info, err := statPlain(path)
	switch {
	case err != nil:
		return err
	case info.IsDir() || info.Mode()&0o111 == 0:
		return errNotExecutable
	}
	return nil
}

// errNotExecutable is there, but no program.
var errNotExecutable = &failure{errno: syscall.EACCES}

// begin notes the process; it runs before any exit can be told.
func (c *command) begin(pid int) { c.family.begin(pid) }

// exited is called by the reaper.
func (c *command) exited(status syscall.WaitStatus) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status = &status
	if !c.killing {
		c.tell()
	}
}

func (c *command) tell() {
	code := c.status.ExitStatus()
	if c.status.Signaled() {
		code = 128 + int(c.status.Signal())
	}
	if c.timedOut {
		code = exitTimedOut
	}
	c.conv.send(exitReply(code, c.timedOut))
	close(c.told)
}

func exitReply(code int, timedOut bool) []byte {
	return newReply(nil).int(int64(code)).bool(timedOut).frame()
}

// serve heeds the host until it hangs up: notes are signals, the end is a cancel (or the thanks for the exit).
func (c *command) serve(s *server, timeout time.Duration) {
	defer c.conv.Close()
	defer c.end()
	if timeout > 0 {
		defer time.AfterFunc(timeout, func() { c.kill(s, true) }).Stop()
	}
	var note [2]byte
	for {
		n, err := c.conv.f.Read(note[:1])
		if n == 1 && err == nil {
			n, err = c.conv.f.Read(note[1:])
		}
		if n != 1 || err != nil {
			break
		}
		c.signal(syscall.Signal(note[1]))
	}
	c.kill(s, false)
	<-c.told // what is killed may still have to be waited for
}

func (c *command) signal(sig syscall.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.status == nil && sig > 0 {
		syscall.Kill(-c.pid, sig)
	}
}

// kill ends the command's whole tree; the exit is told when nothing of it is left.
func (c *command) kill(s *server, timedOut bool) {
	c.mu.Lock()
	if c.status != nil || c.killing {
		c.mu.Unlock()
		return
	}
	c.killing, c.timedOut = true, timedOut
	c.mu.Unlock()
	s.tree.killFamily(&c.family)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.killing = false
	if c.status != nil {
		c.tell()
	}
}
