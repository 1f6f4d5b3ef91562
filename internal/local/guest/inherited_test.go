//go:build linux

package guest_test

import (
	"fmt"
	"io"
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
	helpers["groups"] = func() error { return inSandbox("true", "id -G; grep Groups /proc/self/status") }
	helpers["key holder"] = holdKey
	helpers["key searcher"] = searchKey
}

func TestServersGroupsAreDropped(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	if os.Geteuid() != 0 {
		t.Skip("an ordinary user's groups are not mapped, and cannot be dropped")
	}
	cmd := helper("groups")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Groups: []uint32{0, 4, 4242}}}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Equal(t, "0\nGroups:\t \n", string(out))
}

const (
	keyName        = "sandflare-guest-test"
	sessionKeyring = -3
	joinSession    = 1
	searchKeyring  = 10
)

func keyring() uintptr { n := sessionKeyring; return uintptr(n) }

// holdKey has a key in its session, and a sandbox in which a copy of the program looks for it.
func holdKey() error {
	runtime.LockOSThread()
	if _, _, errno := syscall.Syscall(syscall.SYS_KEYCTL, joinSession, 0, 0); errno != 0 {
		return printed("no keys here", errno)
	}
	kind, name, secret := []byte("user\x00"), []byte(keyName+"\x00"), []byte("secret")
	if _, _, errno := syscall.Syscall6(syscall.SYS_ADD_KEY, uintptr(unsafe.Pointer(&kind[0])), uintptr(unsafe.Pointer(&name[0])),
		uintptr(unsafe.Pointer(&secret[0])), uintptr(len(secret)), keyring(), 0); errno != 0 {
		return printed("no keys here", errno)
	}
	if err := searchKey(); err != nil {
		return err
	}
	dir := os.Getenv("GUEST_TEST_DIR")
	return printOf(guest.Spec{Name: "sb-test", Tier: guest.Namespace, Dir: dir + "/dir", Shared: dir + "/shared",
		Volumes: map[string]string{"/tool": dir + "/tool"}}, helperVar+"='key searcher' /tool/test")
}

func printed(what string, err error) error {
	_, e := fmt.Println(what, err)
	return e
}

func searchKey() error {
	kind, name := []byte("user\x00"), []byte(keyName+"\x00")
	_, _, errno := syscall.Syscall6(syscall.SYS_KEYCTL, searchKeyring, keyring(), uintptr(unsafe.Pointer(&kind[0])), uintptr(unsafe.Pointer(&name[0])), 0, 0)
	if errno != 0 {
		return printed("no key:", errno)
	}
	return printed("a key", nil)
}

func TestServersKeysAreOutOfReach(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	dir := folder(t)
	for _, part := range []string{"/dir", "/shared", "/tool"} {
		require.NoError(t, os.Mkdir(dir+part, 0o700))
	}
	copyProgram(t, dir+"/tool/test")
	out, err := helper("key holder", "GUEST_TEST_DIR="+dir).CombinedOutput()
	require.NoError(t, err, string(out))
	if string(out) == "no keys here "+syscall.ENOSYS.Error()+"\n" || string(out) == "no keys here "+syscall.EPERM.Error()+"\n" {
		t.Skip(string(out))
	}
	assert.Equal(t, "a key <nil>\nno key: "+syscall.Errno(126).Error()+"\n", string(out))
}

func copyProgram(t *testing.T, to string) {
	t.Helper()
	in, err := os.Open("/proc/self/exe")
	require.NoError(t, err)
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	require.NoError(t, err)
	_, err = io.Copy(out, in)
	require.NoError(t, err)
	require.NoError(t, out.Close())
}
