package sandflare

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/sandflare/sandflare-go/internal/ignore"
)

// SyncOptions say what of a folder is synced. The zero value is everything,
// and that nothing is deleted.
type SyncOptions struct {
	// Exclude are patterns of files and folders that are neither sent nor
	// deleted, one a string or one a line, in the language of gitignore: a
	// pattern holds at any depth unless there is a slash in it or before it, a
	// slash at its end means folders only, * and ? stay within one name, **
	// goes through folders, [a-z] and [!a-z] are classes (not [[:alpha:]]), !
	// takes back in, # begins a comment, the last pattern that matches decides.
	Exclude []string
	// Delete removes what the source lacks from the target.
	Delete bool
	// Progress is told how many bytes of files have moved, of those that need
	// to: from one goroutine at a time. When a part is sent again, done steps back.
	Progress func(done, total int64)
}

// SyncResult is what a sync did.
type SyncResult struct {
	Files   int   // files and links in the source, less those that are excluded
	Sent    int   // those of them that were new or differed
	Deleted int   // files, links and folders that were removed from the target
	Bytes   int64 // content of the files sent
}

// UploadDir makes the folder dir in the sandbox like the local one, sending
// only what differs: files whose size, permission bits or time of change (in
// nanoseconds) differ, links that lead elsewhere. A relative dir is taken from
// the sandbox's home; it is made when there is none.
//
// Folders, also empty ones, files and symbolic links are kept with permission
// bits, and with times of change; links are sent as links, wherever they lead.
// Two names of one file become two files; sockets, pipes and devices are
// skipped as if they were not there; owners, and mode and time of the folder
// itself, stay as they are in the target. A file is replaced by a new one, not
// written into; what has another type in the target (a folder instead of a
// file) is removed first, and so is what lies in it, unless it is excluded:
// then the sync fails.
//
// The way is through tar, in parts of up to 64 MiB that move at the same time;
// the sandbox needs bash, find, xargs, gzip, base64 and tar. With GNU's find
// and a GNU or BSD tar everything above holds; with those of busybox times are
// compared in whole seconds. Helper files in /tmp are removed, also after an
// error or a cancel, which takes 10 seconds at most. After an error a part may
// have been sent: run it again.
func (s *Sandbox) UploadDir(ctx context.Context, localDir, dir string, opts *SyncOptions) (*SyncResult, error) {
	r, err := s.newSync(ctx, "upload folder to", localDir, dir, opts)
	if err != nil {
		return nil, err
	}
	if err := checkFolder(localDir); err != nil {
		return nil, r.fail(err)
	}
	if r.root, err = os.OpenRoot(localDir); err != nil {
		return nil, r.fail(err)
	}
	defer r.root.Close()
	return r.up(ctx)
}

// DownloadDir makes a local folder like the folder dir in the sandbox,
// bringing only what differs, as [Sandbox.UploadDir] does the other way. The
// error Is [ErrNotFound] when there is no dir.
//
// The sandbox is not trusted: nothing is written or removed outside localDir,
// whatever names and links it reports, and only files that were asked for are
// taken. Each file appears whole or not at all.
func (s *Sandbox) DownloadDir(ctx context.Context, dir, localDir string, opts *SyncOptions) (*SyncResult, error) {
	r, err := s.newSync(ctx, "download folder from", localDir, dir, opts)
	if err != nil {
		return nil, err
	}
	if err := checkFolder(localDir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, r.fail(err)
	}
	return r.down(ctx)
}

// syncRun is one sync.
type syncRun struct {
	sb       *Sandbox
	verb     string
	local    string
	dir      string // in the sandbox, as a user gave it
	helper   string // what the names of helper files in the sandbox begin with
	skip     *ignore.Git
	delete   bool
	progress *syncProgress
	root     *os.Root // the local folder
	pax      bool     // the sandbox's tar takes PAX headers
}

func (s *Sandbox) newSync(ctx context.Context, verb, localDir, dir string, opts *SyncOptions) (*syncRun, error) {
	if opts == nil {
		opts = &SyncOptions{}
	}
	if err := s.checkPath(ctx, verb, dir); err != nil {
		return nil, err
	}
	if err := checkText(s.op(verb), "path", dir); err != nil {
		return nil, err
	}
	if localDir == "" || strings.IndexByte(localDir, 0) >= 0 {
		return nil, invalid(s.op(verb), "the local folder %q is no path", localDir)
	}
	skip, err := ignore.ParseGit(opts.Exclude...)
	if err != nil {
		return nil, invalid(s.op(verb), "Exclude: %w", err)
	}
	return &syncRun{
		sb: s, verb: verb, local: localDir, dir: dir, helper: "/tmp/.sandflare-" + rand.Text(),
		skip: skip, delete: opts.Delete, progress: &syncProgress{report: opts.Progress},
	}, nil
}

func checkFolder(dir string) error {
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		return &fs.PathError{Op: "open", Path: dir, Err: syscall.ENOTDIR}
	}
	return err
}

// fail makes an error one of this sync.
func (r *syncRun) fail(err error) error {
	if known := new(callError); err == nil || errors.As(err, &known) {
		return err
	}
	return &callError{op: r.sb.op(r.verb), err: err}
}

// syncTimeout bounds a command of a sync; a context may be nearer.
const syncTimeout = time.Hour

// exec runs a script in the sandbox, in which $d is the folder.
func (r *syncRun) exec(ctx context.Context, script string) (string, error) {
	script = "d=" + quote(anchored(r.dir)) + "\n" + script
	cmd, err := newCommand(r.sb.op(r.verb), script, nil, syncTimeout)
	if err != nil {
		return "", err
	}
	req, err := r.sb.execRequest(ctx, cmd)
	if err != nil {
		return "", err
	}
	result, err := r.sb.result(ctx, r.verb, req)
	if err != nil {
		return "", err
	}
	if strings.Contains(result.Stderr, ": File shrank by ") { // GNU tar fills it up with zeros
		return "", r.fail(fmt.Errorf("a file became shorter while it was read: %w: %s", io.ErrUnexpectedEOF, strings.TrimSpace(result.Stderr)))
	}
	result.Stderr = strings.ReplaceAll(result.Stderr, "tar: Exiting with failure status due to previous errors\n", "")
	return result.Stdout, r.fail(result.Err())
}

// cleanUp removes a helper file and what belongs to it.
func (r *syncRun) cleanUp(ctx context.Context, file string) {
	r.sb.execAfter(ctx, "rm -f "+file+" "+file+".list")
}

const (
	partBytes   = 64 << 20 // of content in one tar
	partEntries = 4096     // in one tar
	partsAtOnce = 4
)

// parts splits entries into those of one tar each; there is at least one.
func parts(entries []syncEntry) (list [][]syncEntry) {
	begin, size := 0, int64(0)
	for i, e := range entries {
		if size += e.bytes(); i > begin && size > partBytes || i-begin == partEntries {
			list, begin, size = append(list, entries[begin:i]), i, e.bytes()
		}
	}
	return append(list, entries[begin:])
}

// inParallel works on several parts at once. The first error ends it.
func inParallel(ctx context.Context, parts [][]syncEntry, work func(context.Context, int, []syncEntry) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	var once sync.Once
	var first error
	failed := make(chan struct{})
	places := make(chan struct{}, partsAtOnce)
	for i, part := range parts {
		select {
		case <-failed:
		case places <- struct{}{}:
			wg.Go(func() {
				defer func() { <-places }()
				if err := work(ctx, i, part); err != nil {
					once.Do(func() { first = err; cancel(); close(failed) })
				}
			})
		}
	}
	wg.Wait()
	return first
}

// syncProgress counts bytes of all parts.
type syncProgress struct {
	mu          sync.Mutex
	done, total int64
	report      func(done, total int64)
}

func (p *syncProgress) begin(total int64) {
	p.total = total
	p.add(0)
}

func (p *syncProgress) add(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += n
	if p.report != nil {
		p.report(p.done, p.total)
	}
}

// Write counts what passes by.
func (p *syncProgress) Write(b []byte) (int, error) {
	p.add(int64(len(b)))
	return len(b), nil
}
