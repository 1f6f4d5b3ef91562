package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/sandflare/sandflare-go/internal/local/dockerfile"
	"github.com/sandflare/sandflare-go/internal/local/guest"
)

// copy does a COPY or an ADD: folders first, files, archives, modes, owners.
func (b *build) copy(ctx context.Context, line int, in *dockerfile.Copy) error {
	items, err := in.Plan(line, os.DirFS(b.context), b.ignore, dockerfile.Target{Workdir: b.scope.Workdir, IsDir: b.isDir})
	if err != nil {
		return err
	}
	var dirs, all, programs []string
	for _, item := range items {
		all = append(all, item.To)
		if item.IsDir || item.Unpack {
			dirs = append(dirs, item.To)
		}
	}
	if err := b.own(all); err != nil {
		return err
	}
	if err := b.makeDirs(ctx, dirs); err != nil {
		return err
	}
	for _, item := range items {
		isProgram, err := b.place(ctx, item)
		if err != nil {
			return err
		}
		if isProgram {
			programs = append(programs, item.To)
		}
	}
	return b.modes(ctx, in, all, programs)
}

func (b *build) modes(ctx context.Context, in *dockerfile.Copy, all, programs []string) error {
	if in.Chmod != "" {
		if err := b.onEach(ctx, []string{"chmod", in.Chmod, "--"}, all); err != nil {
			return err
		}
	} else if err := b.onEach(ctx, []string{"chmod", "755", "--"}, programs); err != nil {
		return err
	}
	if in.Chown == "" {
		return nil
	}
	err := b.onEach(ctx, []string{"chown", in.Chown, "--"}, all)
	if err != nil && ctx.Err() == nil && (b.engine.support.Tier != guest.Namespace || os.Geteuid() != 0) {
		b.log("--chown is ignored: only a local Sandflare that runs as root with isolation %q has more than one user", guest.Namespace)
		return nil
	}
	return err
}

func (b *build) isDir(path string) bool {
	_, err := b.sb.guest.ReadDir(path)
	return err == nil
}

// own refuses what is the machine's own where a sandbox has no file tree of its own.
func (b *build) own(paths []string) error {
	if b.engine.support.Tier == guest.Namespace {
		return nil
	}
	for _, path := range paths {
		if !within(path, home) && !within(path, "/tmp") {
			return fmt.Errorf("%s would be the machine's own: with isolation %q a template has %s and /tmp only", path, b.engine.support.Tier, home)
		}
	}
	return nil
}

func (b *build) makeDirs(ctx context.Context, paths []string) error {
	if err := b.own(paths); err != nil {
		return err
	}
	return b.onEach(ctx, []string{"mkdir", "-p", "--"}, paths)
}

// What one command is given at most: the kernel's limit is 128 KiB a word and
// 2 MiB together on most machines, less on some.
const (
	maxPaths     = 1000
	maxPathBytes = 64 << 10
)

// onEach runs a command on many paths, as many at a time as it can take.
func (b *build) onEach(ctx context.Context, command, paths []string) error {
	for len(paths) > 0 {
		n, size := 0, 0
		for n < len(paths) && n < maxPaths && (n == 0 || size+len(paths[n]) < maxPathBytes) {
			size += len(paths[n])
			n++
		}
		args := append(append([]string{}, command...), paths[:n]...)
		if err := b.quietly(ctx, guest.Command{Args: args}); err != nil {
			return err
		}
		paths = paths[n:]
	}
	return nil
}

func (b *build) quietly(ctx context.Context, cmd guest.Command) error {
	res, err := b.sb.quietly(ctx, cmd)
	if err == nil && res.exit.Code != 0 {
		err = errors.New(lastLines(res.stderr, 3))
	}
	return err
}

// place makes one item. The wire carries names and contents: files are 0644
// and folders 0755. Since no executable bit can travel, what begins like a
// program (#! or ELF) counts as one, so that RUN ./configure works as it does
// with Docker; COPY --chmod says otherwise. Links cannot travel either.
func (b *build) place(ctx context.Context, item dockerfile.Item) (isProgram bool, err error) {
	if err := context.Cause(ctx); err != nil || item.IsDir {
		return false, err
	}
	if item.From == "" {
		_, err := b.sb.write(item.To, strings.NewReader(item.Text))
		return false, err
	}
	file, err := os.Open(filepath.Join(b.context, filepath.FromSlash(item.From)))
	if err != nil {
		return false, err
	}
	defer file.Close()
	head, err := headOf(file)
	if err != nil {
		return false, err
	}
	if item.Unpack {
		return false, b.unpack(ctx, file, head, item.To)
	}
	_, err = b.sb.write(item.To, file)
	return bytes.HasPrefix(head, []byte("#!")) || bytes.HasPrefix(head, []byte("\x7fELF")), err
}

// headOf reads how a file begins and goes back.
func headOf(file *os.File) ([]byte, error) {
	head := make([]byte, 4)
	n, err := io.ReadFull(file, head)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	return head[:n], err
}

// unpack has tar do it inside, where nothing in the archive leads out of the
// sandbox. What it makes belongs to root, whoever packed it.
func (b *build) unpack(ctx context.Context, archive *os.File, head []byte, to string) error {
	args := []string{"tar", "-x", "-o"}
	for magic, flag := range map[string]string{"\x1f\x8b": "-z", "BZh": "-j", "\xfd7zX": "-J"} {
		if strings.HasPrefix(string(head), magic) {
			args = append(args, flag)
		}
	}
	return b.quietly(ctx, guest.Command{Args: append(args, "-f", "-", "-C", to), Stdin: archive})
}
