package guest

import (
	"os"
	"syscall"
)

func reflink(_, _ *os.File) error { return syscall.ENOTSUP }

func dataAt(_ *os.File, at, size int64) (start, end int64) { return at, size }

func copyXattrs(_, _ string) error { return nil }
