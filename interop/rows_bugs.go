package main

const unknownOutcome = "error ErrOutcomeUnknown"

var lostRows = section{"Lost answers", []row{
	same("exec: answer lost", []any{unknownOutcome, 1}, syncs, bug(pys, []any{true, 2}, "the command runs twice")),
	same("exec: 502 after the work", []any{unknownOutcome, 1}, syncs, bug(pys, []any{true, 2}, "the command runs twice")),
	same("run_python: answer lost", []any{unknownOutcome, 1}, syncs, bug(pys, []any{true, 2}, "the code runs twice")),
	same("exec: 503 while booting", []any{true, 1}, syncs, differs(pys, []any{"error 503", 0}, "no retry, though nothing ran")),
	same("create: answer lost", []any{"twin lost", 1}, syncs, bug(pys, []any{"twin lost", 2}, "two sandboxes, one of them never deleted")),
	same("create: 502 after the work", []any{"twin gateway", 1}, syncs, bug(pys, []any{"twin gateway", 2}, "two sandboxes, one of them never deleted")),
	same("create_snapshot: answer lost, how many", 1, syncs, bug(pys, 2, "two snapshots")),
}}

func event(kind string, code any) []any { return []any{kind, code} }

const interrupted = "error ErrStreamInterrupted"

var wholeStream = []any{event("stdout", nil), event("stdout", nil), event("done", 3)}

var streamRows = section{"Broken streams", []row{
	same("whole", wholeStream, syncs),
	same("ends before done", []any{event("stdout", nil), interrupted}, syncs,
		bug(pys, []any{event("stdout", nil)}, "ends quietly, as if all were well")),
	same("connection cut", []any{event("stdout", nil), interrupted}, syncs,
		differs(pys, []any{event("stdout", nil), "error IncompleteRead"}, "an exception of http.client")),
	same("CRLF", wholeStream, syncs, bug(pys, []any{}, "no events at all")),
	same("data on several lines: exit code", 3, syncs, bug(pys, 0, "keeps the last line: a failed command seems fine")),
	same("data on several lines: text", "a", syncs, bug(pys, `"a"}`, "keeps the last line")),
	same("silence", []any{[]any{interrupted}, 1}, syncs, bug(pys, []any{[]any{}, 1}, "ends quietly")),
	same("HTTP error", "error 404", syncs, bug(pys, "error 0", "status 0 for every error")),
}}

var streamMethodRows = section{"stream()", []row{
	same("live", 0, syncs, bug(pys, 124, "reads everything before the first event")),
	same("events", []any{[]any{"stdout", "a", nil}, []any{"stderr", "b", nil}, []any{"done", "", 3}}, syncs),
	same("silence", []any{[]any{interrupted}, 1}, syncs, bug(pys, []any{[]any{"stdout", "done"}, 2}, "runs the command again")),
	same("key sent in clear text", false, syncs, bug(pys, true, "dials without TLS, whatever the URL says")),
	same("on a TLS server", []any{[]string{"stdout", "done"}, "sandbox.exec_stream"}, syncs,
		bug(pys, []any{[]string{"stdout", "done"}, "sandbox.exec"}, "cannot reach it, and runs exec instead")),
}}

var oddRows = section{"Odd answers", []row{
	same("exec without ok", []bool{true, false}, syncs, bug(pys, []bool{false, false}, "exit code 0 is not taken for success")),
	same("list as an object", 1, syncs, bug(pys, "error AttributeError", "takes the key for a sandbox")),
	same("ls as an object", []string{"user"}, syncs),
	same("snapshots as a list", true, syncs),
	same("volumes as an object", true, syncs),
	same("page of the edge", "error 403", syncs),
	same("server error", "error 500", syncs),
	same("delete: server error", "error 500", syncs),
	same("disable_auto_snapshot: server error", "error 500", syncs, bug(pys, "disabled", "swallows every error")),
	same("write_file: server error", "error 500", syncs),
}}

var asyncRows = section{"Async client", []row{
	same("read_file: text", "text", asyncs, emptyRead),
	same("read_file: JSON with a content field", `{"content": "not the file"}`, asyncs, bug(asyncs, "not the file", "takes the field for the file")),
	same("delete: server error", "error 500", asyncs,
		bug(of(async16), nil, "swallows every error"), bug(of(async38), "error AttributeError", "delete is gone by accident")),
	same("exec: answer lost", []any{"error ServerDisconnectedError", 1}, asyncs),
	same("stream: ends before done", []any{event("stdout", nil), interrupted}, asyncs,
		bug(asyncs, []any{event("stdout", nil)}, "ends quietly")),
	same("stream: CRLF", wholeStream, asyncs, bug(asyncs, []any{}, "no events at all")),
	same("stream: HTTP error", "error 404", asyncs, bug(asyncs, []string{}, "ends quietly: the status is not looked at")),
	same("get: its agent", []string{"sandbox.get", "Python"}, asyncs),
}}

var otherRows = section{"Other bugs", []row{
	same("get_processes: type", "ProcessInfo", syncs, bug(pys, "dict", "documented as objects")),
	same("directory that is not there, env given", false, syncs, bug(pys, true, "the command runs elsewhere")),
	same("get_logs(stream=True)", "returns", syncs, bug(pys, "waits", "never returns while the sandbox lives")),
}}

// handOverRows are sandboxes that one client made and another uses.
var handOverRows = section{"Hand over", []row{
	same("made by Go, used here", []any{"from Go", map[string]string{"k": "ä"}, base64Of(everyByte), "env\n", "paused", "ready"}, pys),
	same("snapshot by Go, restored here", "by Go\n", pys),
	same("made here, used by Go", []any{"v", base64Of(everyByte), "env\n", "here\n"}, pys),
}}
