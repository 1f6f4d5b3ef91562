package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/sandflaretest"
)

func TestBarOnATerminal(t *testing.T) {
	t.Parallel()
	server := sandflaretest.Start(t)
	screen, terminal := openTerminal(t)
	cmd := program(t, server)
	cmd.Stdout = terminal
	require.NoError(t, cmd.Start())
	require.NoError(t, terminal.Close())
	var out bytes.Buffer
	_, _ = io.Copy(&out, screen) // ends with EIO when the program, its last writer, has ended
	require.NoError(t, cmd.Wait())

	drawn := strings.Split(out.String(), lineStart)
	assert.Equal(t, "[#.............................]   5% "+dim+"packing part-1"+plain, drawn[1])
	assert.Contains(t, out.String(), lineStart+"warning: part-12 is empty\r\n[##################............]  60%",
		"a warning stands above the bar, which is drawn again")
	assert.True(t, strings.HasSuffix(out.String(), lineStart+"done, exit code 0\r\n["+strings.Repeat("#", width)+"] 100% "+
		dim+"packing part-20"+plain+"\r\n"), "%q", out.String())
}

// openTerminal makes a pseudo terminal: what is written to one end is read at the other.
func openTerminal(t *testing.T) (screen, terminal *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo terminals here:", err)
	}
	t.Cleanup(func() { screen.Close() })
	var unlock, number uint32
	for request, value := range map[uintptr]*uint32{syscall.TIOCSPTLCK: &unlock, syscall.TIOCGPTN: &number} {
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, screen.Fd(), request, uintptr(unsafe.Pointer(value)))
		require.Zero(t, errno)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	return screen, terminal
}
