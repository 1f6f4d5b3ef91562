// Package local is the local Sandflare: the API of the hosted service on
// loopback, running real commands in isolated process trees on this machine.
//
// The engine (sandboxes, commands, files, snapshots, volumes, the clock) knows
// nothing of HTTP; the http_*.go files put it behind the routes of package
// wire, and door.go is the one place that every request passes.
package local
