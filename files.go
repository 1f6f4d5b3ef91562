package sandflare

import (
	"context"
	"strings"
	"time"

	"github.com/sandflare/sandflare-go/internal/transport"
	"github.com/sandflare/sandflare-go/internal/wire"
)

// FileEntry is one row of a folder, as GET …/ls answers.
type FileEntry struct {
	Name, Path string
	IsDir      bool
	Size       int64 // bytes
	ModTime    time.Time
}

// ReadFile returns a file's bytes (GET …/files). A relative path is taken from
// the sandbox's home. The error Is [ErrNotFound] when there is none; a folder
// or a file that permissions forbid is an [*APIError] with status 400.
func (s *Sandbox) ReadFile(ctx context.Context, path string) ([]byte, error) {
	const verb = "read file in"
	if err := s.checkPath(ctx, verb, path); err != nil {
		return nil, err
	}
	req := s.fileRequest(wire.FileRead, path)
	resp, err := s.client.transport.Do(ctx, req)
	if err != nil {
		return nil, failed(s.op(verb), req, err)
	}
	return resp.Body, nil
}

// WriteFile writes a file, making missing folders, and replaces one that is
// there (POST …/files). The file appears whole or not at all in the local
// Sandflare.
func (s *Sandbox) WriteFile(ctx context.Context, path string, data []byte) error {
	const verb = "write file in"
	if err := s.checkPath(ctx, verb, path); err != nil {
		return err
	}
	return s.writeFile(ctx, verb, path, data)
}

func (s *Sandbox) writeFile(ctx context.Context, verb, path string, data []byte) error {
	req := s.fileRequest(wire.FileWrite, path)
	req.Body, req.Secrets = bytesBody("application/octet-stream", data), secrets(string(data[:min(len(data), maxErrorBody+1)]))
	return s.client.send(ctx, s.op(verb), req, ignored)
}

// ReadDir lists a folder (GET …/ls). The error Is [ErrNotFound] when there is none.
func (s *Sandbox) ReadDir(ctx context.Context, path string) ([]FileEntry, error) {
	const verb = "read folder in"
	if err := s.checkPath(ctx, verb, path); err != nil {
		return nil, err
	}
	var rows []wire.FileEntry
	req := transport.Request{Route: wire.FileList, Query: query("path", path)}
	if err := s.send(ctx, verb, req, intoList(&rows, "entries", "files")); err != nil {
		return nil, err
	}
	return convert(rows, func(row wire.FileEntry) FileEntry { return entryFrom(path, row) }), nil
}

func entryFrom(dir string, row wire.FileEntry) FileEntry {
	if row.Path == "" {
		row.Path = strings.TrimSuffix(dir, "/") + "/" + row.Name
	}
	return FileEntry{
		Name:    row.Name,
		Path:    row.Path,
		IsDir:   row.IsDir || row.Type == "dir" || row.Type == "directory",
		Size:    row.Size,
		ModTime: row.MTime.Time,
	}
}

// fileRequest moves a file: for as long as bytes flow.
func (s *Sandbox) fileRequest(route wire.Route, path string) transport.Request {
	accept := "application/octet-stream" // as it is: compression would hide the length
	if route == wire.FileWrite {
		accept = ""
	}
	return transport.Request{
		Route: route, Segments: []string{s.name}, Query: query("path", path), Accept: accept,
		Timeout: -1, Stall: stallTimeout, Limit: maxFile,
	}
}

const (
	stallTimeout = 60 * time.Second // without a byte
	maxFile      = 1 << 40          // one file in memory is bounded by memory
)

func (s *Sandbox) checkPath(ctx context.Context, verb, path string) error {
	if err := s.ready(ctx, verb); err != nil {
		return err
	}
	if path == "" {
		return invalid(s.op(verb), "the path is empty")
	}
	if i := strings.IndexByte(path, 0); i >= 0 {
		return invalid(s.op(verb), "the path has a NUL character at byte %d", i)
	}
	return nil
}
