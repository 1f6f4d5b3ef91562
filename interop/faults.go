package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// fault is what a door does with a request.
type fault func(d *door, w http.ResponseWriter, r *http.Request, body []byte)

// faults are the doors that scenarios can ask for. Those that work on the
// stream or on exec pass everything else on.
var faults = map[string]fault{
	"plain":       plain,
	"lost":        lost,
	"gateway":     gateway,
	"unavailable": unavailable,
	"early end":   onStream(earlyEnd),
	"cut":         onStream(cut),
	"silent":      onStream(silent),
	"crlf":        onStream(rewritten(func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") })),
	"two lines":   onStream(rewritten(func(s string) string { return strings.ReplaceAll(s, `":`, "\":\ndata: ") })),
	"no ok":       noOK,
	"wrapped":     wrapped,
	"broken":      says(http.StatusInternalServerError, "application/json", `{"error": "it broke"}`),
	"absent":      says(http.StatusOK, "application/json", `{"status": "absent"}`),
	"plan limit":  says(http.StatusTooManyRequests, "application/json", `{"error": "plan", "upgrade_url": "https://example.test/up"}`),
	"edge":        says(http.StatusForbidden, "text/html", "<!DOCTYPE html><p>error code: 1010</p>"),
}

func plain(d *door, w http.ResponseWriter, r *http.Request, body []byte) { answer(w, d.pass(r, body)) }

// says answers everything alike, without asking the server.
func says(status int, kind, text string) fault {
	return func(_ *door, w http.ResponseWriter, _ *http.Request, _ []byte) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}
}

// lost lets the server work and loses its answer, the first time.
func lost(d *door, w http.ResponseWriter, r *http.Request, body []byte) {
	resp := d.pass(r, body)
	if r.Method == http.MethodPost && d.first(r, body) {
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		panic(http.ErrAbortHandler)
	}
	answer(w, resp)
}

// gateway lets the server work and says 502, the first time.
func gateway(d *door, w http.ResponseWriter, r *http.Request, body []byte) {
	resp := d.pass(r, body)
	if r.Method == http.MethodPost && d.first(r, body) {
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		says(http.StatusBadGateway, "text/plain", "bad gateway")(d, w, r, body)
		return
	}
	answer(w, resp)
}

// unavailable refuses the first time, as while a sandbox boots: nothing ran.
func unavailable(d *door, w http.ResponseWriter, r *http.Request, body []byte) {
	if d.first(r, body) {
		w.Header().Set("Retry-After", "0")
		says(http.StatusServiceUnavailable, "application/json", `{"error": "agent not ready"}`)(d, w, r, body)
		return
	}
	plain(d, w, r, body)
}

func onStream(f fault) fault {
	return func(d *door, w http.ResponseWriter, r *http.Request, body []byte) {
		if strings.HasSuffix(r.URL.Path, "/exec/stream") {
			f(d, w, r, body)
			return
		}
		plain(d, w, r, body)
	}
}

// text is the whole stream: the command has ended.
func (d *door) text(w http.ResponseWriter, r *http.Request, body []byte) string {
	resp := d.pass(r, body)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "text/event-stream")
	return string(text)
}

func (d *door) firstEvent(w http.ResponseWriter, r *http.Request, body []byte) {
	event, _, _ := strings.Cut(d.text(w, r, body), "\n\n")
	_, _ = io.WriteString(w, event+"\n\n")
	_ = http.NewResponseController(w).Flush()
}

// earlyEnd ends the stream in good order after one event, without its done.
func earlyEnd(d *door, w http.ResponseWriter, r *http.Request, body []byte) { d.firstEvent(w, r, body) }

// cut breaks the connection after one event.
func cut(d *door, w http.ResponseWriter, r *http.Request, body []byte) {
	d.firstEvent(w, r, body)
	panic(http.ErrAbortHandler)
}

// silent runs the command and says nothing of it.
func silent(d *door, w http.ResponseWriter, r *http.Request, body []byte) {
	_ = d.text(w, r, body)
	w.WriteHeader(http.StatusOK)
}

func rewritten(change func(string) string) fault {
	return func(d *door, w http.ResponseWriter, r *http.Request, body []byte) {
		_, _ = io.WriteString(w, change(d.text(w, r, body)))
	}
}

// noOK drops the field that some servers do not send.
func noOK(d *door, w http.ResponseWriter, r *http.Request, body []byte) {
	rewriteJSON(d, w, r, body, func(value any) any {
		if fields, ok := value.(map[string]any); ok {
			delete(fields, "ok")
		}
		return value
	})
}

// wrapped turns lists into objects with a list, and those into lists.
func wrapped(d *door, w http.ResponseWriter, r *http.Request, body []byte) {
	path := strings.Split(r.URL.Path, "/")
	name := map[string]string{"ls": "entries"}[path[len(path)-1]]
	if name == "" {
		name = path[len(path)-1]
	}
	rewriteJSON(d, w, r, body, func(value any) any {
		switch v := value.(type) {
		case []any:
			return map[string]any{name: v}
		case map[string]any:
			if list, ok := v[name].([]any); ok && len(v) == 1 {
				return list
			}
		}
		return value
	})
}

func rewriteJSON(d *door, w http.ResponseWriter, r *http.Request, body []byte, change func(any) any) {
	resp := d.pass(r, body)
	defer resp.Body.Close()
	var value any
	if err := json.NewDecoder(resp.Body).Decode(&value); err != nil {
		panic(http.ErrAbortHandler)
	}
	var out bytes.Buffer
	if err := json.NewEncoder(&out).Encode(change(value)); err != nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(resp.StatusCode)
	_, _ = w.Write(out.Bytes())
}
