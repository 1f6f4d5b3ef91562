package guest

import (
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// What not everyone may read of the host is kept out of the sandboxes of a root
// server (for an ordinary user the kernel does it). It is searched again as
// sandboxes are made: where administrators put things before each, unless that
// was a moment ago; what packages own now and then, beside the work. A file that
// is closed after a sandbox was made stays open in that one.
const (
	freshAdmin    = time.Second
	freshPackages = 30 * time.Second
	shareOfTime   = 20 // searching takes no more than one part in so many
)

// area is a part of the host that is searched at once.
type area struct {
	path, skip string // skip is searched on its own
	often      bool
	found      []string // relative to path, sorted
	when       time.Time
	cost       time.Duration
}

// closedThings is what one process knows of the host, for all its servers.
type closedThings struct {
	mu    sync.Mutex
	areas []*area
	busy  bool // a search beside the work is under way
}

var closedHere = &closedThings{areas: []*area{
	{path: "/usr", skip: "/local"}, {path: "/usr/local", often: true}, {path: "/opt", often: true}, {path: "/var/lib", often: true},
	{path: "/bin"}, {path: "/sbin"}, {path: "/lib"}, {path: "/lib32"}, {path: "/lib64"}, {path: "/libx32"}, {path: "/nix"},
}}

// below lists what is closed below one of the system folders.
func (c *closedThings) below(name string) (list []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.areas {
		if !within(a.path, "/"+name) {
			continue
		}
		for _, path := range a.found {
			list = append(list, strings.TrimPrefix(a.path+"/"+path, "/"+name+"/"))
		}
	}
	slices.Sort(list)
	return list
}

// refresh searches what is due. Only the first time it waits for the packages' files.
func (c *closedThings) refresh() {
	c.mu.Lock()
	defer c.mu.Unlock()
	var later []*area
	for _, a := range c.areas {
		switch {
		case a.fresh(time.Now()):
		case a.often || a.when.IsZero():
			a.search()
		default:
			later = append(later, a)
		}
	}
	if len(later) > 0 && !c.busy {
		c.busy = true
		go c.catchUp(later)
	}
}

// catchUp searches copies, so that nobody waits for it.
func (c *closedThings) catchUp(list []*area) {
	for _, a := range list {
		found := area{path: a.path, skip: a.skip}
		found.search()
		c.mu.Lock()
		a.found, a.when, a.cost = found.found, found.when, found.cost
		c.mu.Unlock()
	}
	c.mu.Lock()
	c.busy = false
	c.mu.Unlock()
}

func (a *area) fresh(now time.Time) bool {
	if a.often {
		return now.Sub(a.when) < min(freshAdmin, a.cost*shareOfTime)
	}
	return now.Sub(a.when) < freshPackages
}

func (a *area) search() {
	began := time.Now()
	s := &search{area: a, slots: make(chan struct{}, runtime.GOMAXPROCS(0))}
	if info, err := os.Lstat(a.path); err == nil && info.IsDir() {
		s.folder("")
		s.all.Wait()
	}
	slices.Sort(s.list)
	a.found, a.when, a.cost = s.list, began, time.Since(began)
}

// search walks an area, several folders at a time.
type search struct {
	*area
	slots chan struct{}
	all   sync.WaitGroup
	mu    sync.Mutex
	list  []string
}

func (s *search) folder(at string) {
	f, err := os.Open(s.path + at)
	if err != nil {
		return
	}
	entries, _ := f.ReadDir(-1)
	f.Close()
	for _, e := range entries {
		if e.Type()&os.ModeSymlink == 0 {
			s.entry(at + "/" + e.Name())
		}
	}
}

func (s *search) entry(path string) {
	var st syscall.Stat_t
	if syscall.Lstat(s.path+path, &st) != nil {
		return
	}
	switch kind := st.Mode & syscall.S_IFMT; {
	case kind == syscall.S_IFDIR && st.Mode&0o005 == 0o005:
		if path != s.skip {
			s.descend(path)
		}
	case kind != syscall.S_IFREG || st.Mode&0o004 == 0:
		s.mu.Lock()
		s.list = append(s.list, path[1:])
		s.mu.Unlock()
	}
}

func (s *search) descend(path string) {
	select {
	case s.slots <- struct{}{}:
		s.all.Go(func() {
			s.folder(path)
			<-s.slots
		})
	default:
		s.folder(path)
	}
}
