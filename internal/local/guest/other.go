//go:build !linux && !darwin

package guest

import (
	"context"
	"errors"
	"io"
	"os"
)

var errPlatform = errors.New("guest: the local Sandflare runs on Linux and macOS; on Windows use it inside WSL")

// Probe says that nothing works here.
func Probe(context.Context, Tier) (Support, error) { return Support{}, errPlatform }

// Guest is one running sandbox; there is none on this platform.
type Guest struct{}

// Start fails on this platform.
func Start(context.Context, Spec) (*Guest, error) { return nil, errPlatform }

func (g *Guest) Close() error                                    { return errPlatform }
func (g *Guest) Done() <-chan struct{}                           { return nil }
func (g *Guest) Exec(context.Context, Command) (*Process, error) { return nil, errPlatform }
func (g *Guest) Open(string) (*os.File, error)                   { return nil, errPlatform }
func (g *Guest) Create(string) (*Upload, error)                  { return nil, errPlatform }
func (g *Guest) ReadDir(string) ([]Entry, error)                 { return nil, errPlatform }
func (g *Guest) Pause() error                                    { return errPlatform }
func (g *Guest) Resume() error                                   { return errPlatform }
func (g *Guest) Processes() ([]ProcessInfo, error)               { return nil, errPlatform }
func (g *Guest) Kill(int) error                                  { return errPlatform }
func (g *Guest) KillAll() error                                  { return errPlatform }
func (g *Guest) Usage() (int64, error)                           { return 0, errPlatform }
func (g *Guest) Save(context.Context, string) error              { return errPlatform }

// Process is a started command.
type Process struct {
	PID            int
	Stdout, Stderr io.ReadCloser
}

func (p *Process) Wait() (Exit, error)    { return Exit{}, errPlatform }
func (p *Process) Done() <-chan struct{}  { return nil }
func (p *Process) Signal(os.Signal) error { return errPlatform }

// Upload is a file being written.
type Upload struct{ File *os.File }

func (u *Upload) Commit() error { return errPlatform }
func (u *Upload) Abort() error  { return errPlatform }

// RemoveAll removes a tree.
func RemoveAll(dir string) error { return os.RemoveAll(dir) }

// MapText changes nothing.
func MapText(_ Tier, _, text string) string { return text }
