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
	same("create, exec, delete", result(0, "hello\n", ""), all),
	same("built-in template", result(0, "hello\n", ""), syncs),
	same("async with: what is left", []string{}, asyncs, bug(of(async38), []string{"agent"}, "delete is gone by accident: nothing is deleted")),
}}

var environmentRows = section{"Environment variables", []row{
	same("PANDAAGENT_*", 0, syncs),
	same("AGENTBOX_API_KEY", 0, syncs),
	same("SANDFLARE_* comes first", 0, syncs),
	same("wrong key", "error 401", syncs|of(cli), bug(pys, "error 403", "names every refused key 403")),
	same("base_url and api_key given", 0, syncs),
	same("key kept by config, CLI", []any{0, true, 0, "No sandboxes found."}, of(cli)),
}}

var createRows = section{"Create", []row{
	same("basic", box("my-agent", 512, 1), all),
	same("small", box("my-agent", 1024, 1), apis, sizeIsGone),
	same("medium, as tier", box("my-agent", 2048, 2), syncs, sizeIsGone),
	same("unknown size", "error 400", syncs, sizeIsGone),
	same("options", []any{"ready", "my-agent", true, map[string]string{"env": "prod", "version": "1.0"}, 512, 1, 2, true}, apis),
	same("env", result(0, "grüß 'dich',,/home/user\n", ""), syncs),
	same("env and volume", result(0, "b\nx\n", ""), asyncs),
	same("tier", box("my-agent", 1024, 1), asyncs, bug(of(async38), box("my-agent", 512, 1), "takes a tier and does not send it")),
	same("from a snapshot that is not there", "error 404", apis),
	same("from a template that is not there", "error 404", all),
	same("with a volume that is not there", "error 404", apis),
	same("above the plan", "error 429", all),
	same("above the plan: where to upgrade", "https://example.test/up", syncs),
	same("URLs of a local sandbox", []any{"", "", "", "", "", "", 0, ""}, syncs),
	same("URL of a port, async", []any{"", "", "", "ready", true}, asyncs,
		bug(asyncs, []any{"https://8000-NAME.sandflare.io", "", "", "ready", true}, "names the hosted service, whatever the server says")),
}}

var getRows = section{"Get & List", []row{
	same("get", []any{"ä & = b", "ready", map[string]string{"env": "prod", "team": "x y&z"}}, apis),
	same("get: id is name", true, syncs),
	same("get: not there", "error 404", apis),
	same("get: status absent", "error 404", apis),
	same("list", []string{"other", "production-run", "ä & = b"}, syncs),
	same("list by label", []string{"production-run"}, apis),
	same("list by odd label", []string{"ä & = b"}, apis),
	same("list by metadata", []string{"production-run", "ä & = b"}, apis),
	same("list by odd metadata", []string{"ä & = b"}, apis),
	same("list: none matches", []string{}, syncs),
	same("list after delete", []string{}, syncs),
	same("list, CLI", []int{1, 1}, of(cli)),
}}

var execRows = section{"Exec", []row{
	same("echo", result(0, "hello\n", ""), all),
	same("exit code and stderr", result(3, "out\n", "err\n"), all),
	same("env", result(0, "hello_world\n", ""), apis),
	same("env: quotes and newline", result(0, "it's \"x\" $HOME|two\nlines|", ""), apis),
	same("working directory", result(0, "/tmp\n", ""), apis),
	same("default directory", result(0, "/home/user\n", ""), all),
	same("here-document and quotes", result(0, "it's \"x\" $HOME \\ `id`\n", ""), apis),
	same("not found", result(127, "", ""), all),
	same("killed by a signal", result(137, "", ""), apis),
	same("unicode", result(0, "grüße 😀", ""), apis),
	same("no stdin", result(0, "", ""), apis),
	same("background child keeps stdout", result(0, "on\n", ""), apis),
	same("directory that is not there", false, apis),
	same("timeout", 124, apis),
	same("1 MiB of output", digest(bytes.Repeat([]byte("x"), 1<<20)), apis),
	same("error from exit code", []string{"fine", "raised"}, syncs),
	same("in a sandbox that is not there", "error 404", all),
	same("by label, CLI", result(0, "found\n", ""), of(cli)),
	same("stream", []any{[]any{"stdout", nil}, []any{"stderr", nil}, []any{"done", 3}}, apis),
	same("stream: event.data", []string{"a", `ü "q"`, ""}, apis,
		bug(pys, []string{`{"line":"a"}`, `{"line":"ü \"q\""}`, ""}, "the README prints the raw text as output")),
	same("stream: timeout", 124, apis),
	same("stream: live", 0, apis),
	same("stream: 2,000 lines", 2001, apis),
}}

var everyByte = strings.Repeat(string(allBytes()), 3)

var emptyRead = bug(asyncs, "", "asks for JSON and finds none")

var fileRows = section{"File I/O", []row{
	same("text", "hello world ü", apis, emptyRead),
	same("binary arrives", true, apis),
	same("binary comes back", base64Of(everyByte), apis, emptyRead),
	same("binary by read_file", base64Of(everyByte), syncs,
		bug(pys, base64Of(string([]rune(everyByte))), "read_file replaces what is not UTF-8")),
	same("empty file", []string{"", "0\n"}, syncs),
	same("odd name, folder made", []any{"odd", []string{"a b+c%2f?#&=ü.txt"}}, apis),
	same("upload and download", []string{base64Of("from a local file\n"), base64Of("\x00\xff")}, syncs),
	same("upload, async", "from a local file", asyncs),
	same("ls", listing, apis),
	same("list_files", listing, syncs),
	same("ls: default is home", []string{"up.bin", "up.txt"}, syncs),
	same("ls: not there", "error 404", apis, bug(pys, []string{}, "ls shows a folder that is not there as empty")),
	same("read: not there", "error 404", apis),
	same("download: not there", "error 404", apis),
	same("read: a folder", "error 400", apis),
	same("write: onto a folder", "error 400", apis),
}}

var listing = []any{
	[]any{"five", "/tmp/dir/five", false, 5, 1000000000},
	[]any{"sub", "/tmp/dir/sub", true, 0, 0},
}
