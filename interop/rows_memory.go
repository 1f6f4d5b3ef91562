package main

// memoryRows are the rows that both levels of memory have.
func memoryRows(level string) []row {
	const added = "ADD"
	var rows []row
	for _, r := range []row{
		same("add", []any{[]any{added, true}}, syncs),
		same("add with category and metadata", []any{[]any{added, true}}, syncs),
		same("add with infer", true, syncs),
		same("batch_add", []any{[]any{added, true}, []any{added, true}, []any{added, true}}, syncs),
		same("search", memoryFacts[0], syncs),
		same("search a category", []string{"bug_fix"}, syncs),
		same("search finds nothing", []string{}, syncs),
		same("search limit", 2, syncs, bug(pys, 5, "the limit is never sent")),
		same("list, newest first", []any{true, "User prefers async patterns and strict typing", 6}, syncs),
		same("entry", []any{[]string{"bug_fix"}, map[string]any{"topic": "db", "n": 1}, true, true}, syncs),
		same("feedback moves the score", true, syncs),
		same("delete", 1, syncs),
		same("delete: not there", "error 404", syncs),
		same("delete_all", 0, syncs),
	} {
		r.name = level + ": " + r.name
		rows = append(rows, r)
	}
	return rows
}

var sandboxMemoryRows = append(memoryRows("sandbox"),
	same("sandboxes know nothing of each other", []int{1, 0}, syncs),
	same(`README: r["memory"]`, "Only the first sandbox knows this", syncs,
		bug(pys, "error TypeError", "entries are no dicts, though the README reads them so")),
)

var userMemoryRows = append(memoryRows("user"),
	same("user: lasts", []string{"Prefers TypeScript over JavaScript"}, syncs),
	same("from sandflare import UserMemory", 1, syncs, bug(pys, "error ImportError", "not exported, though the README imports it")),
	same("Sandbox.user_memory()", 1, syncs, bug(pys, "error ValueError", "swaps key and URL")),
)
