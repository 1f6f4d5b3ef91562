//go:build linux || darwin

package guest

import (
	"io"
	"os"
	"runtime"
	"sync"
	"syscall"
)

const controlFD = 3

// A program that links this package becomes a guest when it is started as one.
// In an init the main goroutine holds the main thread: everything that is per
// thread (privileges, who is whose parent) is done there, and so is every fork.
func init() {
	if len(os.Args) != 1 || os.Args[0] != marker {
		return
	}
	if _, err := syscall.GetsockoptInt(controlFD, syscall.SOL_SOCKET, syscall.SO_TYPE); err != nil {
		return
	}
	serve()
	syscall.Exit(0)
}

// server is the guest's side: one sandbox.
type server struct {
	startRequest
	root   string // where the tree is in the guest's own eyes: "" when it is /
	home   string
	user   string
	null   int // standard input of commands
	execs  uint64
	reaper *reaper
	tree   tree
	up     *os.File       // see changes
	lent   sync.WaitGroup // while it counts, no child is forked: see take
}

// serve answers until the control socket ends; with it ends the sandbox.
func serve() {
	runtime.LockOSThread()
	closeInherited(controlFD + 1)
	syscall.CloseOnExec(controlFD)
	defaultSignals()
	s := &server{reaper: newReaper()}
	for {
		var one [1]byte
		_, fds, err := receiveRights(controlFD, one[:])
		if err != nil {
			break
		}
		if len(fds) > 0 && !s.take(newConn(fds[0]), fds[1:]) {
			break
		}
	}
	s.end()
}

// take reads one request and has it answered; false when the guest cannot go on.
func (s *server) take(c *conn, fds []int) bool {
	d, _, err := c.receive()
	if err != nil {
		c.Close()
		closeAll(fds)
		return true
	}
	switch op := d.uint(); {
	case op == opStart && s.Dir == "":
		err := s.start(d)
		c.send(newReply(err).frame())
		c.Close()
		return err == nil
	case op == opExec && len(fds) >= 2:
		s.exec(c, d, fds)
	case s.Dir == "":
		c.Close()
		closeAll(fds)
	case op == opSave, op == opPause:
		// A host's folder is open meanwhile, which a child could use before it is its
		// program; and a child stopped at that point would block the guest for good.
		s.lent.Go(func() { s.answer(op, c, d, fds) })
	default:
		go s.answer(op, c, d, fds)
	}
	return true
}

func (s *server) start(d *decoder) (err error) {
	if err := s.decode(d); err != nil {
		return err
	}
	passwd, _ := os.ReadFile("/etc/passwd")
	s.user = userName(s.Tier, os.Geteuid(), string(passwd))
	syscall.Umask(0)
	defer syscall.Umask(022)
	if err := s.setup(); err != nil {
		return err
	}
	if s.null, err = syscall.Open(os.DevNull, syscall.O_RDONLY|syscall.O_CLOEXEC, 0); err != nil {
		return err
	}
	go s.reaper.run()
	return nil
}

// answer runs on a goroutine of its own: everything but commands.
func (s *server) answer(op uint64, c *conn, d *decoder, fds []int) {
	defer c.Close()
	defer closeAll(fds)
	switch op {
	case opOpen:
		s.answerOpen(c, d)
	case opCreate:
		s.answerCreate(c, d)
	case opSave:
		c.send(newReply(s.save(c, fds)).frame())
	default:
		c.send(s.result(op, d).frame())
	}
}

func (s *server) result(op uint64, d *decoder) *encoder {
	switch op {
	case opReadDir:
		return orFailure(s.readDir(d.string()))(encodeEntries)
	case opProcesses:
		return orFailure(s.processes())(encodeProcesses)
	case opUsage:
		return orFailure(s.usage())(func(n int64) *encoder { return newReply(nil).int(n) })
	case opPause:
		return newReply(s.tree.pause())
	case opResume:
		return newReply(s.tree.resume())
	case opKill:
		return newReply(s.tree.kill(int(d.int())))
	case opKillAll:
		s.tree.killAll()
		return newReply(nil)
	}
	return newReply(syscall.ENOSYS)
}

func orFailure[T any](v T, err error) func(func(T) *encoder) *encoder {
	return func(encode func(T) *encoder) *encoder {
		if err != nil {
			return newReply(err)
		}
		return encode(v)
	}
}

// hungUp is closed when the host ends the conversation.
func hungUp(c *conn) <-chan struct{} {
	gone := make(chan struct{})
	go func() {
		io.Copy(io.Discard, c.f)
		close(gone)
	}()
	return gone
}

// end is the sandbox's: in a pid namespace the kernel kills what is left when the guest exits.
func (s *server) end() { s.tree.end() }
