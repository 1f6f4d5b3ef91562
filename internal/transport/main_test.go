package transport_test

import (
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
	if code == 0 && !settled(before) {
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
