package sandflare

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/sandflare/sandflare-go/internal/ignore"
	"github.com/sandflare/sandflare-go/internal/transport"
	"github.com/sandflare/sandflare-go/internal/wire"
)

const dockerfileName = "Dockerfile"

// contextFile is one file of a build context, with the part that goes before it.
type contextFile struct {
	source string // name in the context, links resolved
	header string
	size   int64
}

// contextBody is a build request as multipart/form-data: the fields, then one
// part a file, opened when its turn comes. Its length is known before.
func contextBody(op string, fields wire.BuildTemplate, dir fs.FS) (*transport.Body, error) {
	skip := "" // the Dockerfile travels as a field
	if fields.Dockerfile == "" {
		text, err := fs.ReadFile(dir, dockerfileName)
		if err != nil {
			return nil, invalid(op, "there is no Dockerfile, neither in the options nor in the Context: %w", err)
		}
		fields.Dockerfile, skip = string(text), dockerfileName
	}
	boundary := "sandflare" + rand.Text()
	files, err := contextFiles(op, dir, boundary, skip)
	if err != nil {
		return nil, err
	}
	head := formFields(boundary, fields)
	tail := "--" + boundary + "--\r\n"
	size := int64(len(head) + len(tail))
	for _, f := range files {
		size += int64(len(f.header)) + f.size + int64(len("\r\n"))
	}
	open := func() (io.Reader, error) { return newContextReader(dir, head, files, tail), nil }
	return &transport.Body{ContentType: "multipart/form-data; boundary=" + boundary, Size: size, Replayable: true, Open: open}, nil
}

func formFields(boundary string, fields wire.BuildTemplate) string {
	var b strings.Builder
	for _, field := range [][2]string{
		{"name", fields.Name}, {"dockerfile", fields.Dockerfile}, {"description", fields.Description}, {"team_id", fields.TeamID},
	} {
		if field[1] != "" {
			fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n", boundary, field[0], field[1])
		}
	}
	return b.String()
}

// contextFiles lists what is sent, in order.
func contextFiles(op string, dir fs.FS, boundary, skip string) ([]contextFile, error) {
	matcher, err := dockerignore(dir)
	if err != nil {
		return nil, invalid(op, ".dockerignore: %w", err)
	}
	var files []contextFile
	err = matcher.Walk(dir, ".", func(name string, entry fs.DirEntry) error {
		if entry.IsDir() || name == skip {
			return nil
		}
		file, err := newContextFile(dir, name, boundary)
		files = append(files, file)
		return err
	})
	if err != nil {
		return nil, invalid(op, "the Context: %w", err)
	}
	return files, nil
}

func dockerignore(dir fs.FS) (*ignore.Matcher, error) {
	text, err := fs.ReadFile(dir, ".dockerignore")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return ignore.Parse(string(text))
}

func newContextFile(dir fs.FS, name, boundary string) (contextFile, error) {
	source, err := within(dir, name) // a link is sent as what it leads to
	if err != nil {
		return contextFile{}, err
	}
	info, err := fs.Lstat(dir, source)
	if err != nil {
		return contextFile{}, err
	}
	if !info.Mode().IsRegular() {
		return contextFile{}, fmt.Errorf("%s is no regular file and cannot be sent; leave it out with .dockerignore", name)
	}
	if strings.ContainsAny(name, "\r\n") {
		return contextFile{}, fmt.Errorf("%q has a line break in its name and cannot be sent", name)
	}
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name)
	return contextFile{source: source, size: info.Size(), header: fmt.Sprintf(
		"--%s\r\nContent-Disposition: form-data; name=\"%s\"; filename=\"%s\"\r\nContent-Type: application/octet-stream\r\n\r\n",
		boundary, quoted, quoted)}, nil
}

// within resolves the links on the way to a name. What they lead to must lie in
// the context: nothing beside it is sent by chance.
func within(dir fs.FS, name string) (string, error) {
	const most = 40 // links, as systems allow
	rest, done := name, "."
	for links := 0; rest != ""; {
		var part string
		part, rest, _ = strings.Cut(rest, "/")
		next := path.Join(done, part)
		info, err := fs.Lstat(dir, next)
		if err != nil {
			return "", err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			done = next
			continue
		}
		target, err := fs.ReadLink(dir, next)
		if err != nil {
			return "", err
		}
		resolved := path.Join(done, target)
		if links++; links > most || path.IsAbs(target) || !fs.ValidPath(resolved) {
			return "", fmt.Errorf("%s is a link to %s, which is not in the context; leave it out with .dockerignore", name, target)
		}
		rest, done = path.Join(resolved, rest), "."
	}
	return done, nil
}

// contextReader is the whole body; closing it closes a file that is half sent.
type contextReader struct {
	io.Reader
	opened []*lazyFile
}

func newContextReader(dir fs.FS, head string, files []contextFile, tail string) *contextReader {
	r := &contextReader{}
	parts := []io.Reader{strings.NewReader(head)}
	for _, f := range files {
		file := &lazyFile{dir: dir, name: f.source, left: f.size}
		r.opened = append(r.opened, file)
		parts = append(parts, strings.NewReader(f.header), file, strings.NewReader("\r\n"))
	}
	r.Reader = io.MultiReader(append(parts, strings.NewReader(tail))...)
	return r
}

// Close never fails: the files are only read.
func (r *contextReader) Close() error {
	for _, file := range r.opened {
		if file.file != nil {
			file.file.Close()
		}
	}
	return nil
}

// lazyFile opens its file at the first read and closes it at its end, which
// must be where it was when the context was listed.
type lazyFile struct {
	dir  fs.FS
	name string
	left int64
	file fs.File
}

func (f *lazyFile) Read(p []byte) (int, error) {
	if f.file == nil {
		file, err := f.dir.Open(f.name)
		if err != nil {
			return 0, err
		}
		f.file = file
	}
	n, err := f.file.Read(p)
	f.left -= int64(n)
	if f.left < 0 || err == io.EOF && f.left > 0 {
		err = fmt.Errorf("%s changed its size while it was sent", f.name)
	}
	if err != nil {
		f.file.Close()
	}
	return n, err
}
