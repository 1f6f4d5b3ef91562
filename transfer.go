package sandflare

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/sandflare/sandflare-go/internal/transport"
	"github.com/sandflare/sandflare-go/internal/wire"
)

// TransferOptions go with a file on its way.
type TransferOptions struct {
	// Progress is called as bytes move, from the goroutine that moves them;
	// total is -1 when it is unknown. It starts again at 0 when an upload is
	// tried again.
	Progress func(done, total int64)
}

func (o *TransferOptions) progress() func(done, total int64) {
	if o == nil || o.Progress == nil {
		return func(int64, int64) {}
	}
	return o.Progress
}

// Upload writes a file from src, from its current position to its end, without
// holding it in memory (POST …/files). It takes as long as bytes flow; a minute
// without one ends it.
//
// A src that is an [io.ReaderAt] and an [io.Seeker], such as a file or a
// [bytes.Reader], can be read again: then a failed try is repeated, and src
// stays where it is. From any other src there is one try.
func (s *Sandbox) Upload(ctx context.Context, path string, src io.Reader, opts *TransferOptions) error {
	const verb = "upload to"
	if err := s.checkPath(ctx, verb, path); err != nil {
		return err
	}
	if src == nil {
		return invalid(s.op(verb), "the source is nil")
	}
	req := s.fileRequest(wire.FileWrite, path)
	req.Body = uploadBody(src, opts.progress())
	return s.client.send(ctx, s.op(verb), req, ignored)
}

// uploadBody finds out how long src is and whether it can be read again.
func uploadBody(src io.Reader, progress func(done, total int64)) *transport.Body {
	body := &transport.Body{ContentType: "application/octet-stream", Size: -1}
	source := func() io.Reader { return src }
	if at, start, size, ok := section(src); ok {
		body.Size, body.Replayable = size, true
		source = func() io.Reader { return io.NewSectionReader(at, start, size) }
	} else if buffer, ok := src.(*bytes.Buffer); ok { // what Len means elsewhere is not known
		body.Size = int64(buffer.Len())
	}
	body.Open = func() (io.Reader, error) {
		progress(0, body.Size)
		return &countingReader{Reader: source(), total: body.Size, progress: progress}, nil
	}
	return body
}

// section is what is left of a source that can be read anywhere.
func section(src io.Reader) (at io.ReaderAt, start, size int64, ok bool) {
	seeker, seeks := src.(io.Seeker)
	at, reads := src.(io.ReaderAt)
	if !seeks || !reads {
		return nil, 0, 0, false
	}
	start, err := seeker.Seek(0, io.SeekCurrent)
	if err != nil { // a pipe is a file, too
		return nil, 0, 0, false
	}
	end, err := seeker.Seek(0, io.SeekEnd)
	if _, back := seeker.Seek(start, io.SeekStart); err != nil || back != nil {
		return nil, 0, 0, false
	}
	return at, start, max(end-start, 0), true
}

type countingReader struct {
	io.Reader
	done, total int64
	progress    func(done, total int64)
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if n > 0 {
		r.done += int64(n)
		r.progress(r.done, r.total)
	}
	return n, err
}

// Download writes a file's bytes to dst without holding them in memory, and
// returns how many there were (GET …/files). A file that is cut on its way is
// an error that Is [io.ErrUnexpectedEOF]; dst has then a part of it.
func (s *Sandbox) Download(ctx context.Context, path string, dst io.Writer, opts *TransferOptions) (int64, error) {
	const verb = "download from"
	if dst == nil {
		return 0, invalid(s.opOrVerb(verb), "the destination is nil")
	}
	body, size, err := s.openFile(ctx, verb, path)
	if err != nil {
		return 0, err
	}
	defer body.Close()
	progress := opts.progress()
	progress(0, size)
	n, err := io.Copy(dst, &countingReader{Reader: body, total: size, progress: progress})
	if err != nil {
		return n, &callError{op: s.op(verb), err: fmt.Errorf("after %d bytes: %w", n, err)}
	}
	return n, nil
}

// openFile begins to read a file; size is -1 when it is unknown.
func (s *Sandbox) openFile(ctx context.Context, verb, path string) (body io.ReadCloser, size int64, err error) {
	if err := s.checkPath(ctx, verb, path); err != nil {
		return nil, 0, err
	}
	req := s.fileRequest(wire.FileRead, path)
	resp, err := s.client.transport.Open(ctx, req)
	if err != nil {
		return nil, 0, failed(s.op(verb), req, err)
	}
	return resp.Body, resp.ContentLength, nil
}

// UploadFile writes the local file into the sandbox, see [Sandbox.Upload]. A
// failed try is repeated.
func (s *Sandbox) UploadFile(ctx context.Context, localPath, path string, opts *TransferOptions) error {
	file, err := os.Open(localPath)
	if err != nil {
		return &callError{op: s.opOrVerb("upload to"), err: err}
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.IsDir() {
		return invalid(s.opOrVerb("upload to"), "%s is a folder; UploadDir takes it", localPath)
	}
	return s.Upload(ctx, path, file, opts)
}

// DownloadFile reads a file of the sandbox into a local one, which appears
// whole or not at all: it is written beside its place and then renamed. A file
// that was there is replaced and gives its mode.
func (s *Sandbox) DownloadFile(ctx context.Context, path, localPath string, opts *TransferOptions) error {
	const verb = "download from"
	if err := s.checkPath(ctx, verb, path); err != nil {
		return err
	}
	file, err := tempBeside(localPath)
	if err != nil {
		return &callError{op: s.op(verb), err: err}
	}
	defer os.Remove(file.Name()) // it is gone when all went well
	_, err = s.Download(ctx, path, file, opts)
	if closed := file.Close(); err == nil && closed != nil {
		err = &callError{op: s.op(verb), err: closed}
	}
	if err != nil {
		return err
	}
	if err := os.Rename(file.Name(), localPath); err != nil {
		return &callError{op: s.op(verb), err: err}
	}
	return nil
}

// tempBeside makes a new file in the folder of name, with the mode that a file at name has or would get.
func tempBeside(name string) (*os.File, error) {
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		return nil, &os.PathError{Op: "replace", Path: name, Err: errors.New("it is no regular file")}
	}
	mode := os.FileMode(0o666)
	if err == nil {
		mode = cmp.Or(info.Mode().Perm(), mode)
	}
	dir, _ := filepath.Split(name)
	file, err := os.OpenFile(filepath.Join(dir, ".sandflare-"+rand.Text()), os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err == nil && info != nil {
		err = file.Chmod(mode) // whatever the umask
	}
	return file, err
}
