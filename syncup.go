package sandflare

import (
	"context"
	"io"
	"slices"
	"sync"

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
