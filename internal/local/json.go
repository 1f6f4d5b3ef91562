package local

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
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
	err = unmarshal(data, into)
	if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
		return badRequest("%q is to be %s; given was: %s", cmp.Or(wrong.Field, "the body"), kindOf(wrong.Type), wrong.Value)
	}
	if err != nil {
		return badRequest("the body is not the JSON that this call takes: %v", err)
	}
	return nil
}

// kindOf is a type as JSON knows it.
func kindOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.Slice:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "an object"
	}
	return "a text"
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
