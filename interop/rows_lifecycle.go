package main

var asyncDelete = bug(of(async38), "error AttributeError", "delete is gone by accident, close calls it")

var lifecycleRows = section{"Lifecycle", []row{
	same("pause", []string{"paused"}, apis),
	same("exec while paused", "error 409", apis),
	same("resume", []string{"ready", "kept"}, apis),
	same("processes go on", 0, syncs),
	same("delete", "error 404", apis, asyncDelete),
	same("delete, CLI", []any{0, true, []any{}}, of(cli)),
	same("delete twice", "error 404", syncs|of(cli), differs(pys, nil, "takes 404 for done; in Go Close does")),
	same("close twice", []any{nil, nil}, apis, asyncDelete),
}}

var snapshotRows = section{"Snapshots", []row{
	same("create", []any{"after-data-load", "Dataset v2 loaded", []string{"prod", "v2"}, "ready", false, true, true, true}, syncs),
	same("the sandbox runs on", []string{"after\n", "ready"}, syncs),
	same("restore", []string{"before", "env\n"}, syncs),
	same("snapshot() without a name", "ready", syncs),
	same("list_snapshots of a sandbox", []string{"after-data-load"}, syncs,
		bug(of(py38), "error AttributeError", "list_snapshots is gone by accident")),
	same("list_all_snapshots", []string{"after-data-load", "of another"}, syncs),
	same("list_all_snapshots of a sandbox", []string{"after-data-load"}, syncs),
	same("list_all_snapshots: size and forks", []any{[]any{true, 1}}, syncs),
	same("outlives its sandbox", []string{"before", "env\n"}, syncs),
	same("delete", []any{true, []string{"of another"}}, syncs),
	same("create with a label, async", []any{"my label", "ready", true}, asyncs),
	same("restore, async", "before", asyncs),
	same("delete: not there", "error 404", syncs, differs(pys, false, "says false")),
}}

var resumeRows = section{"Pause → auto-resume", []row{
	same("get resumes", []string{"ready", "preserved", "awake\n"}, apis),
}}

var autoSnapshotRows = section{"Auto-snapshots", []row{
	same("enable", []any{"enabled", true, 15}, syncs),
	same("one after 15 minutes", 1, syncs),
	same("below 5 minutes", refused, syncs),
	same("disable: none after", []any{"disabled", 1}, syncs),
	same("at create", 1, syncs),
	same("at create, below 5 minutes", refused, syncs, bug(pys, 0, "the interval is dropped silently")),
}}

var timeRows = section{"Time to live", []row{
	same("expired is gone", []any{"ready", "error 404", []string{}}, syncs),
}}

// volumeRows depend on the server: without namespaces nothing can be mounted
// outside of the sandbox's own folders.
func volumeRows(m machine) section {
	anywhere := "error 400"
	if m.namespaces {
		anywhere = "persistent"
	}
	return section{"Volumes", []row{
		same("create", []any{"my-data", 50, "ready", true, true}, syncs),
		same("default size", 10, syncs),
		same("create: name taken", "error 409", syncs),
		same("get by name", true, syncs),
		same("get by id", "my-data", syncs),
		same("get: not there", "error 404", syncs),
		same("list", []any{[]any{"my-data", 50}, []any{"small-data", 10}}, syncs),
		same("outlives sandboxes; in use it stays", []string{"persistent", "persistent", "error 409"}, syncs),
		same("mounted anywhere", anywhere, syncs),
		same("delete", []any{"error 404", []string{"small-data"}}, syncs),
	}}
}

// forkers are the clients that can fork.
var forkers = of(goSDK, py38, async38)

var forkRows = section{"Fork, keep alive", []row{
	same("fork", []any{2, "changed", "shared", "shared", true}, forkers),
	same("fork: 0", "error 400", forkers, refusedByGo),
	same("fork: 9", "error 400", forkers, refusedByGo),
	same("keep_alive", "ready", forkers),
	same("keep_alive: more than a day", "error 400", forkers|of(cli), refusedByGo),
	same("keep-alive, CLI", []any{0, true, true}, of(cli)),
	same("keep_alive_forever: the sandbox is there", []string{"parent"}, of(async38),
		bug(of(async38), []string{}, "deletes the sandbox: delete lies inside it")),
	same("keep_alive_forever", nil, of(py38), bug(of(py38), []any{}, "answers the snapshots: list_snapshots lies inside it")),
}}
