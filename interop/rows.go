package main

// readmeHeadings are those of the Python README that hold code. Each of them
// is a section of the table.
var readmeHeadings = []string{
	"Quick start", "Create", "Get & List", "Exec", "File I/O", "Run code", "Lifecycle", "Snapshots", "Pause → auto-resume",
	"AI Memory (mem0-backed)", "Custom templates", "Auto-snapshots", "Metrics & processes", "Git clone",
}

var readmeRows = section{"README", []row{
	same("headings with code", readmeHeadings, pys),
	same("public methods not called", []string{}, pys|asyncs,
		differs(of(py38, async38), []string{"browser"}, "browsers are not part of the contract yet")),
}}

// machine is what rows depend on.
type machine struct{ namespaces, root bool }

// sections is the table, in the README's order.
func sections(m machine) []section {
	return []section{
		readmeRows, quickStartRows, environmentRows, createRows, getRows, execRows, fileRows, codeRows, lifecycleRows, snapshotRows,
		resumeRows, {"AI Memory (mem0-backed)", append(sandboxMemoryRows, userMemoryRows...)}, templateRows, autoSnapshotRows,
		processRows, gitRows, installRows(m), surroundingRows, timeRows, volumeRows(m), forkRows,
		lostRows, streamRows, streamMethodRows, oddRows, asyncRows, otherRows, handOverRows,
	}
}
