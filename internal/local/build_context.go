package local

import (
	"errors"
	"io"
	"io/fs"
	"mime/multipart"
	"net/textproto"
	"os"
	"path"
	"strings"

	"github.com/sandflare/sandflare-go/internal/ignore"
	"github.com/sandflare/sandflare-go/internal/wire"
)

// What a build request holds at most.
const (
	maxContextBytes = 4 << 30
	maxContextFiles = 100_000
	maxField        = 4 << 20
)

// readForm reads a build request with its files: fields fill the request,
// files go to the folder as they come.
func readForm(form *multipart.Reader, dir string) (req wire.BuildTemplate, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return req, err
	}
	defer root.Close()
	fields := map[string]*string{"name": &req.Name, "dockerfile": &req.Dockerfile, "description": &req.Description, "team_id": &req.TeamID}
	for files := 0; ; {
		part, err := form.NextRawPart()
		if err == io.EOF {
			return req, nil
		}
		if err != nil {
			return req, partError(err)
		}
		switch {
		case part.FormName() == "":
			err = badRequest("a part of the form has no name that can be read: %q", part.Header.Get("Content-Disposition"))
		case part.FileName() == "":
			err = readField(part, fields)
		case files == maxContextFiles:
			err = badRequest("the build context has more than %d files", maxContextFiles)
		default:
			files++
			err = receive(part, root)
		}
		if err != nil {
			return req, err
		}
	}
}

// partError tells a part that cannot be read from a body that is cut off.
func partError(err error) error {
	if malformed := textproto.ProtocolError(""); errors.As(err, &malformed) {
		return badRequest("a part of the form has a header that cannot be read: its name may hold no NUL or other control character: %v", err)
	}
	return bodyError(err)
}

// readField leaves fields that it does not know aside.
func readField(part *multipart.Part, fields map[string]*string) error {
	data, err := io.ReadAll(io.LimitReader(part, maxField+1))
	if err != nil {
		return bodyError(err)
	}
	if len(data) > maxField {
		return badRequest("field %q is longer than %d bytes", part.FormName(), maxField)
	}
	if field := fields[part.FormName()]; field != nil {
		*field = string(data)
	}
	return nil
}

// receive stores a file of the context. Its name is the part's: what the form
// calls the file name loses its folders when it is read.
func receive(part *multipart.Part, root *os.Root) error {
	name := part.FormName()
	if !fs.ValidPath(name) || name == "." || strings.ContainsRune(name, 0) {
		return badRequest("%q is no path within a build context: use relative ones with slashes, without ., .. and NUL", name)
	}
	file, err := newFile(root, name)
	if err != nil {
		return badRequest("the build context's file %q cannot be stored: %v", name, cause(err))
	}
	_, err = copyBody(file, part)
	return errors.Join(err, file.Close())
}

func newFile(root *os.Root, name string) (*os.File, error) {
	if err := root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return nil, err
	}
	return root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
}

// cause is an error of the file system without the path, which is the server's own.
func cause(err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// readIgnore reads the context's .dockerignore: whoever sent more than it
// lets through gets what Docker would have built.
func readIgnore(dir string) (*ignore.Matcher, error) {
	text, err := fs.ReadFile(os.DirFS(dir), ".dockerignore")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, badRequest(".dockerignore cannot be read: %v", cause(err))
	}
	matcher, err := ignore.Parse(string(text))
	if err != nil {
		return nil, badRequest("%v", err)
	}
	return matcher, nil
}
