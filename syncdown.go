package sandflare

import (
	"archive/tar"
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// down makes the local folder like the one in the sandbox.
func (r *syncRun) down(ctx context.Context) (*SyncResult, error) {
	here, there, err := r.scan(ctx)
	if err == nil && there.state == "none" {
		err = &callError{op: r.sb.op(r.verb), kind: ErrNotFound, err: &fs.PathError{Op: "open", Path: r.dir, Err: syscall.ENOENT}}
	}
	if err != nil {
		return nil, r.fail(err)
	}
	r.pax = there.pax
	plan, err := planSync(there.entries, here, r.delete, there.state == "coarse" || !there.pax)
	if err != nil {
		return nil, r.fail(err)
	}
	if err := os.MkdirAll(r.local, 0o777); err != nil {
		return nil, r.fail(err)
	}
	if r.root, err = os.OpenRoot(r.local); err != nil {
		return nil, r.fail(err)
	}
	defer r.root.Close()
	r.progress.begin(plan.total)
	if err := r.apply(ctx, plan); err != nil {
		return nil, r.fail(err)
	}
	return r.result(plan), nil
}

// apply changes the local tree: folders get their modes and times last.
func (r *syncRun) apply(ctx context.Context, plan *syncPlan) error {
	for _, step := range []func() error{
		func() error {
			return each(plan.open, func(e syncEntry) error { return r.root.Chmod(e.name, e.mode|0o700) })
		},
		func() error { return each(plan.remove, func(e syncEntry) error { return r.root.Remove(e.name) }) },
		func() error { return r.makeFolders(plan.folders) },
		func() error { return r.fetch(ctx, plan.files) },
		func() error { return each(plan.folders, r.finishFolder) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func each(entries []syncEntry, work func(syncEntry) error) error {
	for _, e := range entries {
		if err := work(e); err != nil {
			return err
		}
	}
	return nil
}

// makeFolders makes each before what lies in it.
func (r *syncRun) makeFolders(folders []syncEntry) error {
	for _, e := range slices.Backward(folders) {
		if err := localName(e.name); err != nil {
			return err
		}
		if err := r.root.Mkdir(e.name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// localName refuses what this system would take for more than a name.
func localName(name string) error {
	if !filepath.IsLocal(filepath.FromSlash(name)) || runtime.GOOS == "windows" && strings.ContainsAny(name, `\:`) {
		return fmt.Errorf("%q cannot be a name here", name)
	}
	return nil
}

func (r *syncRun) finishFolder(e syncEntry) error { return r.dress(e.name, e.mode, e.mtime) }

// dress gives a file or folder its time of change and its mode.
func (r *syncRun) dress(name string, mode fs.FileMode, mtime time.Time) error {
	if err := r.root.Chtimes(name, time.Time{}, mtime); err != nil || !hasModes {
		return err
	}
	return r.root.Chmod(name, mode.Perm())
}

// fetch makes links, and brings files in parts at the same time.
func (r *syncRun) fetch(ctx context.Context, entries []syncEntry) error {
	files := make([]syncEntry, 0, len(entries))
	for _, e := range entries {
		if err := localName(e.name); err != nil {
			return err
		}
		if e.kind == isFile {
			files = append(files, e)
			continue
		}
		link := func(temp string) error { return r.root.Symlink(filepath.FromSlash(e.link), temp) }
		if err := r.replace(e.name, link); err != nil {
			return err
		}
	}
	if len(files) == 0 {
		return nil
	}
	return inParallel(ctx, parts(files), r.fetchPart)
}

// replace makes something under another name and then gives it its own.
func (r *syncRun) replace(name string, make func(temp string) error) error {
	temp := path.Join(path.Dir(name), ".sandflare-"+rand.Text())
	err := make(temp)
	if err == nil {
		err = r.root.Rename(temp, name)
	}
	if err != nil {
		_ = r.root.Remove(temp) // the first error is the one to tell
	}
	return err
}

// packScript packs the files that a list names. Where they are many, several
// tars follow one another; that a file changed meanwhile (1) is no failure.
const packScript = `cd -- "$d" || exit
umask 077
export LC_ALL=C
xargs -0 bash -c 'tar %s -c -f - "$@" || [ $? = 1 ]' _ <%s.list >%[2]s`

// fetchPart has files packed into a tar, and unpacks it while it arrives.
func (r *syncRun) fetchPart(ctx context.Context, n int, entries []syncEntry) error {
	file, format := r.helper+"."+itoa(n), ""
	if r.pax {
		format = "--format=pax"
	}
	defer r.cleanUp(ctx, file)
	if err := r.sb.writeFile(ctx, r.verb, file+".list", namesOf("", entries)); err != nil {
		return err
	}
	if _, err := r.exec(ctx, fmt.Sprintf(packScript, format, file)); err != nil {
		return err
	}
	body, _, err := r.sb.openFile(ctx, r.verb, file)
	if err != nil {
		return err
	}
	defer body.Close()
	return r.fail(newUnpacker(r, entries).run(body))
}

// unpacker takes files of tars, and only those that were asked for.
type unpacker struct {
	sync    *syncRun
	wanted  map[string]bool // and not here yet
	arrived map[string]bool
	chunk   []byte
}

func newUnpacker(r *syncRun, entries []syncEntry) *unpacker {
	u := &unpacker{sync: r, wanted: map[string]bool{}, arrived: map[string]bool{}, chunk: make([]byte, 64<<10)}
	for _, e := range entries {
		u.wanted[e.name] = true
	}
	return u
}

// run reads one tar after the other.
func (u *unpacker) run(src io.Reader) error {
	in := bufio.NewReaderSize(src, 64<<10)
	for {
		if more, err := skipZeros(in); err != nil || !more {
			return errors.Join(err, u.missing())
		}
		if err := u.archive(tar.NewReader(in)); err != nil {
			return err
		}
	}
}

// skipZeros passes the blocks that fill up a tar, and reports whether something follows.
func skipZeros(in *bufio.Reader) (more bool, err error) {
	var zero [512]byte
	for {
		block, err := in.Peek(len(zero))
		if err == io.EOF {
			return len(block) > 0, nil
		}
		if err != nil || string(block) != string(zero[:]) {
			return true, err
		}
		_, _ = in.Discard(len(zero)) // it is there
	}
}

func (u *unpacker) missing() error {
	for name := range u.wanted {
		return fmt.Errorf("%q did not come", name)
	}
	return nil
}

func (u *unpacker) archive(in *tar.Reader) error {
	for {
		header, err := in.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := u.entry(header, in); err != nil {
			return err
		}
	}
}

// entry takes one file. A second name of a file may come as a link to the first.
func (u *unpacker) entry(h *tar.Header, content io.Reader) error {
	name, first := strings.TrimPrefix(h.Name, "./"), strings.TrimPrefix(h.Linkname, "./")
	switch {
	case !u.wanted[name]:
		return fmt.Errorf("the sandbox sent %q, which was not asked for", h.Name)
	case h.Typeflag == tar.TypeLink && u.arrived[first]:
		file, err := u.sync.root.Open(first)
		if err != nil {
			return err
		}
		defer file.Close()
		content = file
	case h.Typeflag != tar.TypeReg:
		return fmt.Errorf("the sandbox sent %q as something else than a file", h.Name)
	}
	delete(u.wanted, name)
	u.arrived[name] = true
	return u.sync.replace(name, func(temp string) error { return u.write(temp, h, content) })
}

func (u *unpacker) write(temp string, h *tar.Header, content io.Reader) error {
	file, err := u.sync.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.CopyBuffer(struct{ io.Writer }{file}, io.TeeReader(content, u.sync.progress), u.chunk)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	return u.sync.dress(temp, fs.FileMode(h.Mode), h.ModTime)
}
