//go:build !unix

package local

import (
	"errors"
	"os"
)

func flock(*os.File) error { return errors.ErrUnsupported }

func ownDir(string) bool { return false }
