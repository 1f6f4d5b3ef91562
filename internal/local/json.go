package local

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
)

// decode reads the JSON body, whole: trailing junk is an error. No body at all
// is an empty object.
func decode(r *http.Request, into any) error {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return bodyError(err)
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil
	}
	if err := unmarshal(data, into); err != nil {
		return badRequest("the body is not the JSON that this call takes: %v", err)
	}
	return nil
}

// unmarshal keeps numbers of any kind as they are written: a float64 has no
// room for the digits of many an id.
func unmarshal(data []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("more follows after its end")
	}
	return nil
}

// reply answers a call. The value is a struct, map or slice, never nil: every
// answer is a JSON object or array.
func reply(w http.ResponseWriter, value any) error {
	return writeJSON(w, http.StatusOK, value)
}

func writeJSON(w http.ResponseWriter, status int, value any) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(buf.Bytes()) // the caller may be gone: nobody is left to tell
	return nil
}

// done is the answer of calls that have nothing to report.
type done struct {
	Status string `json:"status"`
	ID     string `json:"id,omitempty"`
}
