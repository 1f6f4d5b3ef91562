package main

import (
	"bytes"
	"encoding/base64"
	"strings"
)

// result is an exec answer as scenarios report it.
func result(code int, stdout, stderr string) []any { return []any{code, stdout, stderr, code == 0} }

func base64Of(data string) string { return base64.StdEncoding.EncodeToString([]byte(data)) }

// size is an exception of 2.1.38: sandboxes have the size of their template.
var sizeIsGone = differs(of(py38, async38), "error TypeError", "2.1.38 has no size")

func box(label string, memory, vcpus int) []any {
	return []any{"ready", label, false, map[string]string{}, memory, vcpus, 0, false}
}

var quickStartRows = section{"Quick start", []row{
	same("create, exec, delete", result(0, "hello\n", ""), apis),
	same("built-in template", result(0, "hello\n", ""), syncs),
}}

var environmentRows = section{"Environment variables", []row{
	same("PANDAAGENT_*", 0, syncs),
	same("AGENTBOX_API_KEY", 0, syncs),
	same("SANDFLARE_* comes first", 0, syncs),
	same("wrong key", "error 401", syncs, bug(pys, "error 403", "names every refused key 403")),
	same("base_url and api_key given", 0, syncs),
}}

var createRows = section{"Create", []row{
	same("basic", box("my-agent", 512, 1), syncs),
	same("small", box("my-agent", 1024, 1), syncs, sizeIsGone),
	same("medium, as tier", box("my-agent", 2048, 2), syncs, sizeIsGone),
	same("unknown size", "error 400", syncs, sizeIsGone),
	same("options", []any{"ready", "my-agent", true, map[string]string{"env": "prod", "version": "1.0"}, 512, 1, 2, true}, syncs),
	same("env", result(0, "grüß 'dich',,/home/user\n", ""), syncs),
	same("from a snapshot that is not there", "error 404", syncs),
	same("from a template that is not there", "error 404", syncs),
	same("with a volume that is not there", "error 404", syncs),
	same("above the plan", "error 429", syncs),
	same("above the plan: where to upgrade", "https://example.test/up", syncs),
	same("URLs of a local sandbox", []any{"", "", "", "", "", "", 0, ""}, syncs),
}}

var getRows = section{"Get & List", []row{
	same("get", []any{"ä & = b", "ready", map[string]string{"env": "prod", "team": "x y&z"}}, syncs),
	same("get: id is name", true, syncs),
	same("get: not there", "error 404", syncs),
	same("get: status absent", "error 404", syncs),
	same("list", []string{"other", "production-run", "ä & = b"}, syncs),
	same("list by label", []string{"production-run"}, syncs),
	same("list by odd label", []string{"ä & = b"}, syncs),
	same("list by metadata", []string{"production-run", "ä & = b"}, syncs),
	same("list by odd metadata", []string{"ä & = b"}, syncs),
	same("list: none matches", []string{}, syncs),
	same("list after delete", []string{}, syncs),
}}

var execRows = section{"Exec", []row{
	same("echo", result(0, "hello\n", ""), syncs),
	same("exit code and stderr", result(3, "out\n", "err\n"), syncs),
	same("env", result(0, "hello_world\n", ""), syncs),
	same("env: quotes and newline", result(0, "it's \"x\" $HOME|two\nlines|", ""), syncs),
	same("working directory", result(0, "/tmp\n", ""), syncs),
	same("default directory", result(0, "/home/user\n", ""), syncs),
	same("here-document and quotes", result(0, "it's \"x\" $HOME \\ `id`\n", ""), syncs),
	same("not found", result(127, "", ""), syncs),
	same("killed by a signal", result(137, "", ""), syncs),
	same("unicode", result(0, "grüße 😀", ""), syncs),
	same("no stdin", result(0, "", ""), syncs),
	same("background child keeps stdout", result(0, "on\n", ""), syncs),
	same("directory that is not there", false, syncs),
	same("timeout", 124, syncs),
	same("1 MiB of output", digest(bytes.Repeat([]byte("x"), 1<<20)), syncs),
	same("error from exit code", []string{"fine", "raised"}, syncs),
	same("in a sandbox that is not there", "error 404", syncs),
	same("stream", []any{[]any{"stdout", nil}, []any{"stderr", nil}, []any{"done", 3}}, syncs),
	same("stream: event.data", []string{"a", `ü "q"`, ""}, syncs,
		bug(pys, []string{`{"line":"a"}`, `{"line":"ü \"q\""}`, ""}, "the README prints the raw text as output")),
	same("stream: timeout", 124, syncs),
	same("stream: live", 0, syncs),
	same("stream: 20,000 lines", 20001, syncs),
}}

var everyByte = strings.Repeat(string(allBytes()), 3)

var fileRows = section{"File I/O", []row{
	same("text", "hello world ü", syncs),
	same("binary arrives", true, syncs),
	same("binary comes back", base64Of(everyByte), syncs),
	same("binary by read_file", base64Of(everyByte), syncs,
		bug(pys, base64Of(string([]rune(everyByte))), "read_file replaces what is not UTF-8")),
	same("empty file", []string{"", "0\n"}, syncs),
	same("odd name, folder made", []any{"odd", []string{"a b+c%2f?#&=ü.txt"}}, syncs),
	same("upload and download", []string{base64Of("from a local file\n"), base64Of("\x00\xff")}, syncs),
	same("ls", listing, syncs),
	same("list_files", listing, syncs),
	same("ls: default is home", []string{"up.bin", "up.txt"}, syncs),
	same("ls: not there", "error 404", syncs, bug(pys, []string{}, "ls shows a folder that is not there as empty")),
	same("read: not there", "error 404", syncs),
	same("download: not there", "error 404", syncs),
	same("read: a folder", "error 400", syncs),
	same("write: onto a folder", "error 400", syncs),
}}

var listing = []any{
	[]any{"five", "/tmp/dir/five", false, 5, 1000000000},
	[]any{"sub", "/tmp/dir/sub", true, 0, 0},
}
