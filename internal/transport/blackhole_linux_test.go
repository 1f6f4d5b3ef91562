package transport_test

import (
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/transport"
)

// blackHole is an address that answers no SYN: its queue of connections is full and never emptied.
func blackHole(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	t.Cleanup(func() { syscall.Close(fd) })
	require.NoError(t, syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	require.NoError(t, syscall.Listen(fd, 0))
	bound, err := syscall.Getsockname(fd)
	require.NoError(t, err)
	address := fmt.Sprintf("127.0.0.1:%d", bound.(*syscall.SockaddrInet4).Port)
	for range 8 {
		conn, err := net.DialTimeout("tcp", address, 200*time.Millisecond)
		if err != nil {
			return "http://" + address
		}
		t.Cleanup(func() { conn.Close() })
	}
	t.Skip("the kernel accepts more connections than the queue holds")
	return ""
}

func TestFaultsOfLinux(t *testing.T) {
	t.Parallel()
	t.Run("C4_syn_black_hole", func(t *testing.T) {
		t.Parallel()
		client := newClient(t, blackHole(t), func(c *transport.Config) {
			c.DialTimeout, c.MaxRetries = 50*time.Millisecond, 1
		})
		_, err := client.Do(t.Context(), exec)
		e := failure(t, err)
		assert.Equal(t, 2, e.Attempts)
		assert.False(t, e.OutcomeUnknown)
		var timeout net.Error
		require.ErrorAs(t, err, &timeout)
		assert.True(t, timeout.Timeout())
	})
}
