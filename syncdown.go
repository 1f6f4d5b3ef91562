package sandflare

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
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
// GNU tar would take a backslash in a name for an escape.
const packScript = `cd -- "$d" || exit
umask 077
export LC_ALL=C u=
tar --no-unquote --version >/dev/null 2>&1 && u=--no-unquote
xargs -0 bash -c 'tar $u %s -c -f - "$@" || [ $? = 1 ]' _ <%s.list >%[2]s`

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
