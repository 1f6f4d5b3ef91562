package sse_test

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"testing"
	"time"
)

// TestMain fails when goroutines outlive the tests.
func TestMain(m *testing.M) {
	before := runtime.NumGoroutine()
	code := m.Run()
	fuzzing := flag.Lookup("test.fuzz").Value.String() != "" // starts goroutines of its own
	if code == 0 && !fuzzing && !settled(before) {
		fmt.Fprintln(os.Stderr, "goroutines left behind:")
		pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
		code = 1
	}
	os.Exit(code)
}

func settled(most int) bool {
	for range 100 {
		if runtime.NumGoroutine() <= most {
			return true
		}
		time.Sleep(20 * time.Millisecond)
	}
	return false
}
