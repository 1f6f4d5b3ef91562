package main

var codeRows = section{"Run code", []row{
	same("run_python", result(0, "4\n", ""), apis),
	same("run_node", result(0, "4\n", ""), apis),
	same("run_python: error", []any{1, "so far\n", "it broke"}, syncs),
	same("run_python: traceback", []any{1, "", "ZeroDivisionError: division by zero"}, syncs),
	same("run_node: error", 7, apis),
	same("run_python: is stateless", []bool{true, false}, syncs),
	same("run_python: timeout", 124, apis),
	same("run_python: directory", result(0, "/home/user\n", ""), syncs),
	same("run_playwright: runs, removes its script", []any{5, "/opt/playwright\n", "0\n"}, syncs),
	same("run_code: keeps state", []any{"84", "printed\n", "", "", true}, apis),
	same("run_code: contexts", []any{"1", false, "NameError: name 'y' is not defined"}, syncs),
	same("run_code: error", []any{false, "ZeroDivisionError: division by zero", "e\n"}, apis),
	same("run_code: raise_on_error", []any{"1", "error RuntimeError"}, pys),
	same("run_code: picture", []any{true, base64Of("\x89PNG picture")}, syncs),
	same("run_code: timeout, then on", []any{false, "2"}, syncs),
}}

// installRows depend on the server: apt needs one that is root and has namespaces.
func installRows(m machine) section {
	withApt := any("error 400")
	if m.namespaces && m.root {
		withApt = []any{0, true, "42\n"}
	}
	return section{"Install", []row{
		same("pip", []any{0, true, result(0, "42\n", "")}, apis),
		same("npm", []any{0, true, result(0, "42\n", "")}, syncs),
		same("apt", withApt, syncs),
		same("pip: fails", []bool{false}, syncs),
		same("unknown runtime", "error 400", apis),
	}}
}

// refused is an argument that a client does not send.
const refused = "error ValueError"

var refusedByGo = differs(of(goSDK), refused, "refused before anything is sent")

func cloned(path, repository, branch, seen string) []any {
	return []any{path, repository, branch, true, seen}
}

var gitRows = section{"Git clone", []row{
	same("path and branch", cloned("/home/user/agent/repo", "/public/origin.git", "main", "two\n1\n"), apis),
	same("defaults", cloned("/home/user/origin", "/public/origin.git", "main", "two\n1\n"), apis),
	same("other branch, deep", cloned("/home/user/side", "/public/origin.git", "side", "side\n3\n"), syncs),
	same("repository that is not there", "error 400", apis),
	same("branch that is not there", "error 400", syncs),
	same("option as URL", "error 400", syncs, refusedByGo),
	same("private: without a token", "error 400", syncs),
	same("private: with its token", cloned("/home/user/p", "/private/origin.git", "main", "two\n1\n"), apis),
	same("token and key are kept nowhere", []string{""}, syncs),
}}

var surroundingRows = section{"Environment, logs, health", []row{
	same("set_env merges, commands see it", []string{"2", "two words", "2,two words\n"}, syncs),
	same("set_env: no name", "error 400", syncs, refusedByGo),
	same("health", []bool{true}, apis),
	same("health: not there", "error 404", syncs),
	same("logs: command and output", []bool{true, true, true}, syncs),
}}

var processRows = section{"Metrics & processes", []row{
	same("metrics", []any{true, "ready", 1, 512 << 20, true, true, true, true, true}, syncs),
	same("get_processes", []any{1, true}, apis),
	same("get_processes: p.pid, p.command", true, syncs, bug(pys, "error AttributeError", "the README reads p.pid from a dict")),
	same("kill_process", 0, apis),
	same("kill_process: not there", "error 404", apis),
	same("kill_process: 1", "error 400", apis),
	same("kill_process: 0", "error 400", apis, refusedByGo),
}}
