package main

import "strings"

// column is one client.
type column int

const (
	goSDK column = iota
	py16
	py38
	async16
	async38
	cli
)

var allColumns = []column{goSDK, py16, py38, async16, async38, cli}

var columnNames = [...]string{"Go", "Python 2.1.16", "Python 2.1.38", "async 2.1.16", "async 2.1.38", "CLI 2.0.31"}

func (c column) String() string { return columnNames[c] }

// id is what scenarios know their column by.
func (c column) id() string { return [...]string{"go", "py16", "py38", "async16", "async38", "cli"}[c] }

// columns is a set of clients.
type columns uint

func of(list ...column) (set columns) {
	for _, c := range list {
		set |= 1 << c
	}
	return set
}

func (s columns) has(c column) bool { return s&(1<<c) != 0 }

func (s columns) String() string {
	var names []string
	for _, c := range allColumns {
		if s.has(c) {
			names = append(names, c.String())
		}
	}
	return strings.Join(names, ", ")
}

// The sets that most rows use.
var (
	pys    = of(py16, py38)
	syncs  = of(goSDK) | pys
	asyncs = of(async16, async38)
	apis   = syncs | asyncs
	all    = apis | of(cli)
)
