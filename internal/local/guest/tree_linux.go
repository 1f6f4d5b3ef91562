package guest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const patience = 10 * time.Second // for processes that do not die: some file systems hang

// Every command carries a mark that its descendants inherit through setsid,
// double forks, nohup and an emptied environment: a soft limit on the time a
// real-time process may run, far too high to be reached, different for each
// command. /proc shows it. The namespace tier adds a UTS namespace of its own
// for each command, which can be left only by way of a new user namespace. Who
// has shed both is known by that: it counts as of the command being killed when
// it began later, even if another command under way started it. The process tier
// has nothing against a program that changes its own limit and leaves its parents.
const (
	rlimitRTTime = 15
	markBits     = 28 // low bits number the commands of one sandbox
)

func newMark() uint64 { return 1<<62 | rand.Uint64N(1<<33)<<markBits }

func setMark(mark uint64) {
	var limit syscall.Rlimit
	if syscall.Getrlimit(rlimitRTTime, &limit) == nil && limit.Max > mark {
		limit.Cur = mark
		syscall.Setrlimit(rlimitRTTime, &limit)
	}
}

func (p proc) mark() uint64 {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(p.pid) + "/limits")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "Max realtime timeout")
	if fields := strings.Fields(rest); len(fields) > 0 {
		mark, _ := strconv.ParseUint(fields[0], 10, 64)
		return mark
	}
	return 0
}

func (p proc) uts() string {
	name, _ := os.Readlink("/proc/" + strconv.Itoa(p.pid) + "/ns/uts")
	return name
}

func (p proc) users() string {
	name, _ := os.Readlink("/proc/" + strconv.Itoa(p.pid) + "/ns/user")
	return name
}

// family is a command with everything it started.
type family struct {
	pid  int
	mark uint64
	uts  string // "" where commands have no UTS namespace of their own
	pin  int    // holds that namespace: else the kernel gives its number to the next command
	from uint64 // when it began, known from the first scan on
}

// newFamily marks the guest itself for a moment, so that the next fork inherits the mark.
func newFamily(s *server, n uint64) family {
	f := family{mark: s.Mark | n&(1<<markBits-1), pin: -1}
	setMark(f.mark)
	if s.Tier == Namespace {
		f.uts = "own"
	}
	return f
}

func (f *family) begin(pid int) {
	f.pid = pid
	if f.uts == "" {
		return
	}
	f.uts = ""
	var err error
	if f.pin, err = syscall.Open("/proc/"+strconv.Itoa(pid)+"/ns/uts", syscall.O_RDONLY|syscall.O_CLOEXEC, 0); err == nil {
		f.uts, _ = os.Readlink("/proc/self/fd/" + strconv.Itoa(f.pin))
	}
}

// end lets go of the namespace: nobody asks for members any more.
func (f *family) end() {
	if f.pin >= 0 {
		syscall.Close(f.pin)
	}
}

func (f *family) members() []proc {
	list := scan()
	for _, p := range list {
		if p.pid == f.pid && f.from == 0 {
			f.from = p.started
		}
	}
	own := proc{pid: os.Getpid()}.users()
	return withDescendants(list, func(p proc) bool {
		if p.pid == os.Getpid() {
			return false
		}
		return p.pid == f.pid || p.session == f.pid || p.group == f.pid || f.uts != "" && p.uts() == f.uts || p.mark() == f.mark || f.strayed(p, own)
	})
}

// strayed tells whether a process has left the namespaces of all commands and
// carries no command's mark, and began after this one.
func (f *family) strayed(p proc, own string) bool {
	if f.uts == "" || f.from == 0 || p.started < f.from || p.mark()>>markBits == f.mark>>markBits {
		return false
	}
	if p.started == f.from && p.pid < f.pid { // began within the same 1/100 s
		return false
	}
	users := p.users()
	return users != "" && users != own
}

// tree is all processes of the sandbox but the guest.
type tree struct {
	server *server
	mu     sync.Mutex
	before map[int]bool // stopped already when Pause came; nil when not paused
}

func (t *tree) members() []proc {
	if t.server.Tier == Namespace {
		return withDescendants(scan(), func(proc) bool { return true })
	}
	self := os.Getpid()
	return withDescendants(scan(), func(p proc) bool { return p.pid == self || p.mark()>>markBits == t.server.Mark>>markBits })
}

func (t *tree) killFamily(f *family) { killAll(f.members) }

func (t *tree) killAll() { killAll(t.members) }

// end kills whatever is left. In a pid namespace the kernel does it.
func (t *tree) end() {
	if t.server != nil && t.server.Tier == ProcessTier {
		t.killAll()
	}
}

// sweep kills what a guest of the process tier left when it died without warning.
func sweep(mark uint64) {
	killAll(func() []proc {
		return withDescendants(scan(), func(p proc) bool { return p.pid != os.Getpid() && p.mark()>>markBits == mark>>markBits })
	})
}

// killAll stops everything first, so that nothing escapes by forking, then kills until none is left.
func killAll(members func() []proc) {
	stopped := map[int]bool{}
	for fresh := true; fresh; {
		fresh = false
		for _, p := range members() {
			if !stopped[p.pid] {
				syscall.Kill(p.pid, syscall.SIGSTOP)
				stopped[p.pid], fresh = true, true
			}
		}
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(200 * time.Microsecond) {
		left := members()
		if len(left) == 0 {
			return
		}
		for _, p := range left {
			syscall.Kill(p.pid, syscall.SIGKILL)
		}
	}
}

func (t *tree) pause() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.before == nil {
		t.before = map[int]bool{}
		for _, p := range t.members() {
			t.before[p.pid] = p.stopped()
		}
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(200 * time.Microsecond) {
		running := 0
		for _, p := range t.members() {
			if !p.stopped() {
				running++
				syscall.Kill(p.pid, syscall.SIGSTOP)
			}
		}
		if running == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d processes do not stop: %w", running, syscall.ETIMEDOUT)
		}
	}
}

func (t *tree) resume() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.before == nil {
		return nil
	}
	for _, p := range t.members() {
		if !t.before[p.pid] {
			syscall.Kill(p.pid, syscall.SIGCONT)
		}
	}
	t.before = nil
	return nil
}

// paused tells whether the processes stand still because of pause.
func (t *tree) paused() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.before != nil
}

func (t *tree) kill(pid int) error {
	if pid <= 1 {
		return syscall.EINVAL
	}
	for _, p := range t.members() {
		if p.pid == pid {
			return syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	return syscall.ESRCH
}

func (s *server) processes() ([]ProcessInfo, error) {
	boot := bootTime()
	var list []ProcessInfo
	for _, p := range s.tree.members() {
		list = append(list, p.info(boot))
	}
	return list, nil
}
