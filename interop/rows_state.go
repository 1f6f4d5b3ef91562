package main

var templateRows = section{"Custom templates", []row{
	same("build", []any{"my-env", true, true, "what it is"}, syncs),
	same("wait_for_build", []any{"ready", "", true, true}, syncs),
	same("get_build_status", "ready", syncs),
	same("create from it", []any{"hello nobody\n/home/user/app\nfrom a here-document\n", "hello nobody,more\n", true}, syncs),
	same("list", []any{[]string{"my-env", "ready"}}, syncs),
	same("a RUN that fails", "error BuildError", syncs, differs(pys, "error 500", "an error as of the server, without the log")),
	same("a RUN that fails: its error", []any{"failed", true, true, false}, syncs),
	same("a Dockerfile that does not parse", "error 400", syncs),
	same("without a Dockerfile", "error 400", syncs, refusedByGo),
	same("get_build_status: not there", "error 404", syncs),
	same("delete", []any{"error 404", []string{}}, syncs),
	same("delete: not there", "error 404", syncs|of(cli)),
	same("build, list, delete, CLI", []any{"from the context\nmain.txt\nnoise.log\ngood\n0\n", true, true, "No custom templates found."}, of(cli),
		bug(of(cli), []any{"from the context\nmain.txt\ngood\n0\n", true, true, "No custom templates found."}, "*.log is left out in every folder; for Docker it means the top")),
	same("build_from_directory", []any{"from the context\nmain.txt\nnoise.log\ngood\n0\n", "ready"}, of(goSDK, py38),
		bug(of(py38), []any{"from the context\nmain.txt\ngood\n0\n", "ready"}, "*.log is left out in every folder; for Docker it means the top")),
}}
