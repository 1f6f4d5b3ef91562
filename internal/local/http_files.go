package local

import (
	"bytes"
	"io"
	"net/http"
	"strconv"

	"github.com/sandflare/sandflare-go/internal/wire"
)

func (s *Server) fileRoutes() {
	s.onBox(wire.FileRead, s.readFile)
	s.onBox(wire.FileList, s.listFiles)
	s.register(call{Route: wire.FileWrite, streamed: true}, s.box(s.writeFile))
}

func (s *Server) readFile(w http.ResponseWriter, r *http.Request, sb *sandbox) error {
	file, err := sb.open(r.URL.Query().Get("path"))
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	if info.Size() == 0 {
		return replyUnsized(w, file)
	}
	w.Header().Set("Content-Length", strconv.FormatInt(info.Size(), 10))
	w.WriteHeader(http.StatusOK)
	_, err = io.CopyN(w, file, info.Size()) // what grows meanwhile is not part of the answer
	return err
}

// replyUnsized answers with a file that says it is empty: those of /proc do,
// whatever is in them.
func replyUnsized(w http.ResponseWriter, file io.Reader) error {
	begin := make([]byte, 4<<10)
	n, err := io.ReadFull(file, begin)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		w.Header().Set("Content-Length", strconv.Itoa(n))
		err = nil
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	_, err = io.Copy(w, io.MultiReader(bytes.NewReader(begin[:n]), file))
	return err
}

func (s *Server) writeFile(w http.ResponseWriter, r *http.Request, sb *sandbox) error {
	path := r.URL.Query().Get("path")
	content, err := sb.script(path, r.Body)
	if err != nil {
		return err
	}
	size, err := sb.write(path, content)
	if err != nil {
		return err
	}
	return reply(w, map[string]any{"status": "written", "path": path, "size": size})
}

func (s *Server) listFiles(w http.ResponseWriter, r *http.Request, sb *sandbox) error {
	path := home
	if r.URL.Query().Has("path") {
		path = r.URL.Query().Get("path")
	}
	list, err := sb.readDir(path)
	if err != nil {
		return err
	}
	return reply(w, list)
}
