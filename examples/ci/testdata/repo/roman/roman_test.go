package roman

import (
	"os"
	"testing"
)

func TestFormat(t *testing.T) {
	for n, want := range map[int]string{1: "I", 4: "IV", 9: "IX", 14: "XIV", 1990: "MCMXC", 2026: "MMXXVI"} {
		t.Run(want, func(t *testing.T) {
			if got := Format(n); got != want {
				t.Errorf("Format(%d) = %q, want %q", n, got, want)
			}
		})
	}
}

func TestInBuildEnvironment(t *testing.T) {
	if os.Getenv("CI") == "" {
		t.Skip("CI is not set")
	}
}
