package sandflare

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// FS returns the sandbox's files below root, to be read through the
// interfaces of [io/fs]: it is also an [fs.StatFS], [fs.ReadFileFS],
// [fs.ReadDirFS] and [fs.SubFS], and its files can be sought, so that
// [fs.WalkDir], [text/template.ParseFS] and [net/http.FileServerFS] work. All
// of its calls are made with ctx.
//
// A relative root is taken from the sandbox's home, "" is the home itself. The
// API tells no modes: files are 0444, folders 0555, and symbolic links are what
// they lead to: [fs.WalkDir] goes through them, and round a loop of them until
// paths become too long. Names that are no UTF-8 are listed with U+FFFD, and
// lead nowhere.
func (s *Sandbox) FS(ctx context.Context, root string) fs.FS {
	if !path.IsAbs(root) {
		root = path.Join(homeDir, root)
	}
	return sandboxFS{ctx: ctx, sb: s, root: path.Clean(root)}
}

type sandboxFS struct {
	ctx  context.Context
	sb   *Sandbox
	root string
}

// at is the path in the sandbox of a name.
func (f sandboxFS) at(op, name string) (string, error) {
	if !fs.ValidPath(name) {
		return "", &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	return path.Join(f.root, name), nil
}

// Open opens a file or folder; its content is asked for when it is read.
func (f sandboxFS) Open(name string) (fs.File, error) {
	info, err := f.stat("open", name)
	if err != nil {
		return nil, err
	}
	file := &sandboxFile{fs: f, name: name, info: info}
	if info.IsDir() {
		return &sandboxDir{sandboxFile: file}, nil
	}
	return file, nil
}

// Stat looks a name up in its folder.
func (f sandboxFS) Stat(name string) (fs.FileInfo, error) { return f.stat("stat", name) }

func (f sandboxFS) stat(op, name string) (fs.FileInfo, error) {
	full, err := f.at(op, name)
	if err != nil {
		return nil, err
	}
	if name == "." {
		_, err := f.sb.ReadDir(f.ctx, full)
		return fileInfo{FileEntry{Name: ".", IsDir: true}}, pathError(op, name, err)
	}
	entries, err := f.sb.ReadDir(f.ctx, path.Dir(full))
	if err != nil {
		return nil, pathError(op, name, err)
	}
	for _, entry := range entries {
		if entry.Name == path.Base(full) {
			return fileInfo{entry}, nil
		}
	}
	return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}

// ReadFile returns a file's bytes.
func (f sandboxFS) ReadFile(name string) ([]byte, error) {
	full, err := f.at("read", name)
	if err != nil {
		return nil, err
	}
	data, err := f.sb.ReadFile(f.ctx, full)
	return data, pathError("read", name, err)
}

// ReadDir lists a folder, sorted by name.
func (f sandboxFS) ReadDir(name string) ([]fs.DirEntry, error) {
	full, err := f.at("readdir", name)
	if err != nil {
		return nil, err
	}
	entries, err := f.sb.ReadDir(f.ctx, full)
	if err != nil {
		return nil, pathError("readdir", name, err)
	}
	slices.SortFunc(entries, func(a, b FileEntry) int { return strings.Compare(a.Name, b.Name) })
	return convert(entries, func(e FileEntry) fs.DirEntry { return fs.FileInfoToDirEntry(fileInfo{e}) }), nil
}

// Sub returns the tree below a folder.
func (f sandboxFS) Sub(name string) (fs.FS, error) {
	full, err := f.at("sub", name)
	if err != nil {
		return nil, err
	}
	return sandboxFS{ctx: f.ctx, sb: f.sb, root: full}, nil
}

// pathError makes an error of this package one of package fs, too.
func pathError(op, name string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrNotFound):
		err = fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// fileInfo is a row of a folder as an fs.FileInfo.
type fileInfo struct{ entry FileEntry }

func (i fileInfo) Name() string       { return i.entry.Name }
func (i fileInfo) Size() int64        { return i.entry.Size }
func (i fileInfo) ModTime() time.Time { return i.entry.ModTime }
func (i fileInfo) IsDir() bool        { return i.entry.IsDir }
func (i fileInfo) Sys() any           { return i.entry }

func (i fileInfo) Mode() fs.FileMode {
	if i.entry.IsDir {
		return fs.ModeDir | 0o555
	}
	return 0o444
}

// sandboxFile reads its content as a stream that begins where it is needed.
type sandboxFile struct {
	fs     sandboxFS
	name   string
	info   fs.FileInfo
	offset int64
	stream io.ReadCloser // at offset; nil until something is read
	closed bool
}

func (f *sandboxFile) Stat() (fs.FileInfo, error) { return f.info, nil }

func (f *sandboxFile) Read(p []byte) (int, error) {
	if f.closed {
		return 0, &fs.PathError{Op: "read", Path: f.name, Err: fs.ErrClosed}
	}
	if len(p) == 0 {
		return 0, nil
	}
	if f.stream == nil {
		if err := f.open(); err != nil {
			return 0, pathError("read", f.name, err)
		}
	}
	n, err := f.stream.Read(p)
	f.offset += int64(n)
	if err != nil && err != io.EOF {
		err = pathError("read", f.name, err)
	}
	return n, err
}

// open begins to read at offset: the API reads files from their beginning only.
func (f *sandboxFile) open() error {
	stream, _, err := f.fs.sb.openFile(f.fs.ctx, "read file in", path.Join(f.fs.root, f.name))
	if err != nil {
		return err
	}
	if _, err := io.CopyN(io.Discard, stream, f.offset); err != nil && err != io.EOF {
		stream.Close()
		return err
	}
	f.stream = stream
	return nil
}

// Seek moves to another place; what was being read is given up.
func (f *sandboxFile) Seek(offset int64, whence int) (int64, error) {
	base, ok := map[int]int64{io.SeekStart: 0, io.SeekCurrent: f.offset, io.SeekEnd: f.info.Size()}[whence]
	if !ok || f.closed || base+offset < 0 {
		return 0, &fs.PathError{Op: "seek", Path: f.name, Err: fs.ErrInvalid}
	}
	if base+offset != f.offset {
		f.release()
		f.offset = base + offset
	}
	return f.offset, nil
}

func (f *sandboxFile) release() {
	if f.stream != nil {
		f.stream.Close()
		f.stream = nil
	}
}

func (f *sandboxFile) Close() error {
	if f.closed {
		return &fs.PathError{Op: "close", Path: f.name, Err: fs.ErrClosed}
	}
	f.closed = true
	f.release()
	return nil
}

// sandboxDir is a folder; its rows are asked for at the first ReadDir.
type sandboxDir struct {
	*sandboxFile
	rows []fs.DirEntry
	read bool
}

func (d *sandboxDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.name, Err: errors.New("is a directory")}
}

func (d *sandboxDir) ReadDir(n int) (list []fs.DirEntry, err error) {
	if !d.read {
		if d.rows, err = d.fs.ReadDir(d.name); err != nil {
			return nil, err
		}
		d.read = true
	}
	if n > 0 && len(d.rows) == 0 {
		return nil, io.EOF
	}
	if n <= 0 || n > len(d.rows) {
		n = len(d.rows)
	}
	list, d.rows = d.rows[:n:n], d.rows[n:]
	return list, nil
}
