package local

import (
	"io"
	"os"
	"path"
	"strings"

	"github.com/sandflare/sandflare-go/internal/local/guest"
	"github.com/sandflare/sandflare-go/internal/wire"
)

// checkPath refuses what names no file.
func checkPath(path string) error {
	switch {
	case path == "":
		return badRequest("path is missing")
	case strings.ContainsRune(path, 0):
		return badRequest("path holds a NUL byte")
	}
	return nil
}

func (sb *sandbox) open(path string) (file *os.File, err error) {
	if err := checkPath(path); err != nil {
		return nil, err
	}
	err = sb.whileReady(func() error {
		file, err = sb.guest.Open(path)
		return err
	})
	return file, err
}

// write puts a file in its place when all of it has come, and not before.
func (sb *sandbox) write(path string, from io.Reader) (size int64, err error) {
	if err := checkPath(path); err != nil {
		return 0, err
	}
	var upload *guest.Upload
	err = sb.whileReady(func() error {
		upload, err = sb.guest.Create(path)
		return err
	})
	if err != nil {
		return 0, err
	}
	if size, err = copyBody(upload.File, from); err == nil {
		err = sb.whileReady(upload.Commit)
	}
	if err != nil {
		_ = upload.Abort() // the first error is the one to tell
	}
	return size, err
}

// copyBody tells the two ends apart: a body that ends early is the caller's doing.
func copyBody(file *os.File, body io.Reader) (int64, error) {
	in := &failedReader{Reader: body}
	n, err := io.Copy(file, in)
	if in.err != nil {
		return n, bodyError(in.err)
	}
	return n, err
}

type failedReader struct {
	io.Reader
	err error
}

func (r *failedReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != io.EOF {
		r.err = err
	}
	return n, err
}

func (sb *sandbox) readDir(dir string) (list []wire.FileEntry, err error) {
	if err := checkPath(dir); err != nil {
		return nil, err
	}
	var entries []guest.Entry
	err = sb.whileReady(func() error {
		entries, err = sb.guest.ReadDir(dir)
		return err
	})
	list = make([]wire.FileEntry, len(entries))
	for i, entry := range entries {
		list[i] = wire.FileEntry{
			Name: entry.Name, Path: path.Join(inHome(dir), entry.Name), Type: "file",
			IsDir: entry.IsDir, Size: entry.Size, MTime: wire.UnixTime{Time: entry.ModTime},
		}
		if entry.IsDir {
			list[i].Type = "dir"
		}
	}
	return list, err
}
