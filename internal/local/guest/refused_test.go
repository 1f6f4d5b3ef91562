//go:build linux && (amd64 || arm64)

package guest_test

import (
	"context"
	"encoding/json"
	"os"
	"runtime"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/local/guest"
)

func init() {
	helpers["refuse namespaces"] = refuseNamespaces
	helpers["probe"] = probe
}

// refuseNamespaces forbids user namespaces the way Docker does, by a filter on system calls, and goes on as "probe".
func refuseNamespaces() error {
	const (
		prSetNoNewPrivs, prSetSeccomp, modeFilter = 38, 22, 2
		load, equal, anyBit, ret                  = 0x20, 0x15, 0x45, 0x06
		allow, refuse, unknown                    = 0x7fff0000, 0x00050000 | uint32(syscall.EPERM), 0x00050000 | uint32(syscall.ENOSYS)
		clone3                                    = 435
	)
	type instruction struct {
		code   uint16
		jt, jf uint8
		k      uint32
	}
	filter := []instruction{
		{load, 0, 0, 0}, // the call's number
		{equal, 3, 0, clone3},
		{equal, 0, 4, syscall.SYS_CLONE},
		{load, 0, 0, 16}, // its first argument
		{anyBit, 1, 2, syscall.CLONE_NEWUSER},
		{ret, 0, 0, unknown},
		{ret, 0, 0, refuse},
		{ret, 0, 0, allow},
	}
	program := struct {
		length uint16
		filter *instruction
	}{uint16(len(filter)), &filter[0]}
	runtime.LockOSThread()
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, prSetNoNewPrivs, 1, 0, 0, 0, 0); errno != 0 {
		return errno
	}
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prSetSeccomp, modeFilter, uintptr(unsafe.Pointer(&program))); errno != 0 {
		return errno
	}
	if err := os.Setenv(helperVar, "probe"); err != nil {
		return err
	}
	return syscall.Exec("/proc/self/exe", os.Args, os.Environ())
}

func probe() error {
	best, err := guest.Probe(context.Background(), "")
	if err != nil {
		return err
	}
	_, err = guest.Probe(context.Background(), guest.Namespace)
	if err == nil {
		return syscall.EEXIST
	}
	return json.NewEncoder(os.Stdout).Encode([]any{best, err.Error()})
}

func TestProbeWhereNamespacesAreRefused(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	cmd := helper("refuse namespaces")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	var best guest.Support
	var complaint string
	require.NoError(t, json.Unmarshal(out, &[]any{&best, &complaint}), string(out))
	assert.Equal(t, guest.ProcessTier, best.Tier)
	assert.Contains(t, best.Reason, "operation not permitted")
	assert.NotEmpty(t, best.Mend)
	assert.Contains(t, complaint, best.Reason)
	assert.Contains(t, complaint, best.Mend)
}
