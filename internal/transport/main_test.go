package transport_test

import (
	"testing"

	"github.com/sandflare/sandflare-go/internal/leaks"
)

// TestMain fails when the tests leave something behind.
func TestMain(m *testing.M) { leaks.Main(m) }
