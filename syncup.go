package sandflare

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/sandflare/sandflare-go/internal/transport"
	"github.com/sandflare/sandflare-go/internal/wire"
)

// up makes the folder in the sandbox like the local one.
func (r *syncRun) up(ctx context.Context) (*SyncResult, error) {
	here, there, err := r.scan(ctx)
	if err != nil {
		return nil, r.fail(err)
	}
	r.pax = there.pax
	plan, err := planSync(here, there.entries, r.delete, there.state == "coarse" || !there.pax)
	if err != nil {
		return nil, r.fail(err)
	}
	r.progress.begin(plan.total)
	if err := r.prepare(ctx, plan); err != nil {
		return nil, err
	}
	if there.state == "none" || len(plan.files)+len(plan.folders) > 0 {
		if err := r.send(ctx, plan); err != nil {
			return nil, err
		}
	}
	return r.result(plan), nil
}

func (r *syncRun) result(plan *syncPlan) *SyncResult {
	return &SyncResult{Files: plan.count, Sent: len(plan.files), Deleted: len(plan.remove), Bytes: r.progress.done}
}

// scan lists both trees at once.
func (r *syncRun) scan(ctx context.Context) (here []syncEntry, there *remoteTree, err error) {
	var wg sync.WaitGroup
	var failed error
	wg.Go(func() { here, failed = scanLocal(r.local, r.skip) })
	there, err = r.list(ctx)
	wg.Wait()
	if failed != nil {
		err = failed
	}
	return here, there, err
}

// prepareScript makes folders writable (+) and removes (-) what a list names.
// rmdir removes no more than that.
const prepareScript = `cd -- "$d" || exit
xargs -0 bash -c '
  files=() folders=()
  for f; do
    name=${f:1}
    if [ "${f:0:1}" = + ]; then chmod u+rwx "$name" || exit
    elif [ -d "$name" ] && [ ! -L "$name" ]; then folders+=("$name")
    else files+=("$name"); fi
  done
  [ ${#files[@]} = 0 ] || rm -f "${files[@]}" || exit
  [ ${#folders[@]} = 0 ] || rmdir "${folders[@]}"' _ <`

// prepare removes from the sandbox what is to be deleted or in the way.
func (r *syncRun) prepare(ctx context.Context, plan *syncPlan) error {
	if len(plan.open)+len(plan.remove) == 0 {
		return nil
	}
	file := r.helper + ".list"
	defer r.cleanUp(ctx, r.helper)
	list := append(namesOf("+", plan.open), namesOf("-", plan.remove)...)
	if err := r.sb.writeFile(ctx, r.verb, file, list); err != nil {
		return err
	}
	_, err := r.exec(ctx, prepareScript+file)
	return err
}

// namesOf lists names for xargs -0; none of them looks like an option.
func namesOf(prefix string, entries []syncEntry) (list []byte) {
	for _, e := range entries {
		list = append(append(append(list, prefix...), "./"...), e.name...)
		list = append(list, 0)
	}
	return list
}

// send moves files in parts at the same time, then the last part with the
// folders: their times of change hold only when nothing more changes in them.
func (r *syncRun) send(ctx context.Context, plan *syncPlan) error {
	list := parts(plan.files)
	last := len(list) - 1
	if err := inParallel(ctx, list[:last], r.sendPart); err != nil {
		return err
	}
	return r.sendPart(ctx, last, slices.Concat(list[last], plan.folders))
}

// sendPart uploads a tar and unpacks it. GNU and BSD tar, and busybox too, make
// a new file where there is one.
func (r *syncRun) sendPart(ctx context.Context, n int, entries []syncEntry) (err error) {
	file := r.helper + "." + itoa(n)
	defer func() {
		if err != nil {
			r.cleanUp(ctx, file)
		}
	}()
	req := r.sb.fileRequest(wire.FileWrite, file)
	req.Body = r.tarBody(entries)
	if err := r.sb.client.send(ctx, r.sb.op(r.verb), req, ignored); err != nil {
		return err
	}
	_, err = r.exec(ctx, "trap 'rm -f "+file+"' EXIT\n"+
		`mkdir -p -- "$d" && cd -- "$d" && LC_ALL=C tar -x -p -o -f `+file)
	return err
}

// tarBody is entries as a tar that is made while it is sent, and again for a retry.
func (r *syncRun) tarBody(entries []syncEntry) *transport.Body {
	var last *packer
	return &transport.Body{
		ContentType: "application/octet-stream", Size: -1, Replayable: true,
		Open: func() (io.Reader, error) {
			if last != nil {
				r.progress.add(-last.packed)
			}
			last = newPacker(r, entries)
			return last, nil
		},
	}
}

// packer reads as a tar of entries.
type packer struct {
	run     *syncRun
	entries []syncEntry // still to come
	file    *os.File    // being packed; nil: none
	left    int64       // of it
	packed  int64       // bytes of content so far
	tar     *tar.Writer
	out     bytes.Buffer // packed and not yet read
	chunk   []byte
	ended   bool
}

const packAhead = 64 << 10

func newPacker(r *syncRun, entries []syncEntry) *packer {
	p := &packer{run: r, entries: entries, chunk: make([]byte, packAhead)}
	p.tar = tar.NewWriter(&p.out)
	return p
}

// Read packs more when everything was read.
func (p *packer) Read(b []byte) (int, error) {
	if p.out.Len() == 0 {
		for p.out.Len() < packAhead && !p.ended {
			if err := p.step(); err != nil {
				return 0, err
			}
		}
		if p.out.Len() == 0 {
			return 0, io.EOF
		}
	}
	return p.out.Read(b)
}

// Close gives back the file that was not packed to its end.
func (p *packer) Close() error {
	if p.file == nil {
		return nil
	}
	return p.file.Close()
}

func (p *packer) step() error {
	switch {
	case p.file != nil:
		return p.content()
	case len(p.entries) > 0:
		e := p.entries[0]
		p.entries = p.entries[1:]
		return p.begin(e)
	}
	p.ended = true
	return p.tar.Close()
}

// begin writes a header: a file's of what it is now, not when it was listed.
func (p *packer) begin(e syncEntry) error {
	if e.kind == isFile {
		file, err := p.run.root.Open(e.name)
		if err != nil {
			return err
		}
		info, err := file.Stat()
		if now := entryFromInfo(e.name, info); err == nil && now.kind != isFile {
			err = fmt.Errorf("%s is no regular file any more", e.name)
		} else {
			e = now
		}
		if err != nil {
			return errors.Join(err, file.Close())
		}
		p.file, p.left = file, e.size
	}
	if err := p.tar.WriteHeader(p.header(e)); err != nil {
		return fmt.Errorf("%s: %w", e.name, err)
	}
	return p.finish()
}

// header has times in nanoseconds for a tar that takes them. The other format
// is what others read, too: older ones of busybox know PAX only in part, and
// there a name that is not ASCII stands in the PAX header alone.
func (p *packer) header(e syncEntry) *tar.Header {
	h := &tar.Header{Name: e.name, Mode: int64(e.mode), ModTime: e.mtime, Format: tar.FormatPAX, Typeflag: tar.TypeReg}
	if !p.run.pax {
		h.Format, h.ModTime = tar.FormatGNU, time.Unix(e.mtime.Unix(), 0)
	}
	switch e.kind {
	case isFile:
		h.Size = e.size
	case isFolder:
		h.Typeflag, h.Name = tar.TypeDir, e.name+"/"
	case isLink:
		h.Typeflag, h.Linkname, h.Mode = tar.TypeSymlink, e.link, 0o777
	}
	return h
}

// content packs a piece of the file.
func (p *packer) content() error {
	n, err := p.file.Read(p.chunk[:min(p.left, packAhead)])
	p.left -= int64(n)
	p.packed += int64(n)
	if n > 0 {
		p.run.progress.add(int64(n))
	}
	if _, err := p.tar.Write(p.chunk[:n]); err != nil {
		return err
	}
	if err == io.EOF && p.left > 0 {
		return fmt.Errorf("%s became shorter while it was read: %w", p.file.Name(), io.ErrUnexpectedEOF)
	}
	if err != nil && err != io.EOF {
		return err
	}
	return p.finish()
}

// finish closes a file that was packed to its end.
func (p *packer) finish() error {
	if p.file == nil || p.left > 0 {
		return nil
	}
	file := p.file
	p.file = nil
	return file.Close()
}
