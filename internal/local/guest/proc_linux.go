package guest

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// proc is what the process tree needs of /proc/PID/stat.
type proc struct {
	pid, parent, group, session int
	state                       byte
	name                        string
	ticks, started              uint64 // in 1/100 s, started since boot
	pages                       int64
}

func (p proc) dead() bool    { return p.state == 'Z' || p.state == 'X' }
func (p proc) stopped() bool { return p.state == 'T' || p.state == 't' }

// scan lists every process that can be seen.
func scan() []proc {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	var list []proc
	for _, name := range names {
		if name[0] < '1' || name[0] > '9' {
			continue
		}
		if stat, err := os.ReadFile("/proc/" + name + "/stat"); err == nil {
			if p, ok := parseStat(stat); ok {
				list = append(list, p)
			}
		}
	}
	return list
}

// parseStat takes the name by its last parenthesis: it may hold any bytes.
func parseStat(stat []byte) (p proc, ok bool) {
	open, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if open < 1 || end < open {
		return p, false
	}
	fields := strings.Fields(string(stat[end+1:]))
	if len(fields) < 22 {
		return p, false
	}
	number := func(s string) int64 { n, _ := strconv.ParseInt(s, 10, 64); return n }
	p = proc{pid: int(number(string(stat[:open-1]))), name: string(stat[open+1 : end]), state: fields[0][0],
		parent: int(number(fields[1])), group: int(number(fields[2])), session: int(number(fields[3])),
		ticks: uint64(number(fields[11]) + number(fields[12])), started: uint64(number(fields[19])), pages: number(fields[21])}
	return p, p.pid > 0
}

// withDescendants completes a set of processes: children of members are members.
func withDescendants(list []proc, member func(proc) bool) []proc {
	in := map[int]bool{}
	for _, p := range list {
		in[p.pid] = member(p)
	}
	for grown := true; grown; {
		grown = false
		for _, p := range list {
			if !in[p.pid] && in[p.parent] {
				in[p.pid], grown = true, true
			}
		}
	}
	return slices.DeleteFunc(list, func(p proc) bool { return !in[p.pid] || p.dead() || p.pid == os.Getpid() })
}

func (p proc) info(boot time.Time) ProcessInfo {
	const tick = 10 * time.Millisecond
	line, _ := os.ReadFile("/proc/" + strconv.Itoa(p.pid) + "/cmdline")
	command := strings.TrimSpace(strings.ReplaceAll(string(line), "\x00", " "))
	if command == "" {
		command = "[" + p.name + "]"
	}
	return ProcessInfo{PID: p.pid, Command: command, CPUTime: time.Duration(p.ticks) * tick,
		Started: boot.Add(time.Duration(p.started) * tick), RSSBytes: p.rss()}
}

// rss is the memory in use. The kernel counts it per processor and sums up
// loosely: of a small process nothing may be left, then it is asked to look.
func (p proc) rss() int64 {
	if p.pages > 0 {
		return p.pages * int64(os.Getpagesize())
	}
	_, rest, _ := strings.Cut(text("/proc/"+strconv.Itoa(p.pid)+"/smaps_rollup"), "\nRss:")
	kilobytes, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	n, _ := strconv.ParseInt(kilobytes, 10, 64)
	return n << 10
}

func bootTime() time.Time {
	text, _ := os.ReadFile("/proc/uptime")
	up, _, _ := strings.Cut(string(text), " ")
	seconds, _ := strconv.ParseFloat(up, 64)
	return time.Now().Add(-time.Duration(seconds * float64(time.Second)))
}
