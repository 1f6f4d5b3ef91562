//go:build linux

package guest_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/local/guest"
)

func TestFilesAreTheSandboxsOwn(t *testing.T) {
	t.Parallel()
	needSystemFolders(t)
	a, b := start(t, guest.Namespace), start(t, guest.Namespace)
	for _, dir := range []string{"/tmp", "/home/user", "/root", "/var", "/var/tmp", "/run", "/workspace", "/", "/dev/shm", "/usr/local/bin", "/opt", "/etc"} {
		name := dir + "/guest-test-" + itoa(os.Getpid())
		output(t, a, "echo mine > "+name)
		assert.Equal(t, 1, bash(t, b, "test -e "+name).exit.Code, "%s in another sandbox", name)
		assert.NoFileExists(t, name)
	}
	host := filepath.Join(folder(t), "of the host")
	require.NoError(t, os.WriteFile(host, []byte("x"), 0o644))
	assert.Equal(t, 1, bash(t, a, "test -e '"+host+"'").exit.Code)
	assert.Equal(t, "user", output(t, a, "ls /home"), "no other homes")
}

func TestProcessTierHasFoldersOfItsOwn(t *testing.T) {
	t.Parallel()
	a, b := start(t, guest.ProcessTier), start(t, guest.ProcessTier)
	for _, dir := range []string{"/tmp", "/home/user"} {
		name := dir + "/guest-test-" + itoa(os.Getpid())
		output(t, a, "echo mine > "+name)
		assert.Equal(t, 1, bash(t, b, "test -e "+name).exit.Code)
		assert.NoFileExists(t, name)
	}
	assert.Equal(t, "", output(t, a, "ls $TMPDIR | grep -v guest-test; true"))
}

// Writes to the host's folders stay in the sandbox, and even a mount cannot change that.
func TestSystemFoldersAreCopyOnWrite(t *testing.T) {
	t.Parallel()
	needSystemFolders(t)
	a, b := start(t, guest.Namespace), start(t, guest.Namespace)
	output(t, a, "echo new > /usr/bin/guest-test && mkdir -p /usr/local/lib/guest-test && touch /usr/local/lib/guest-test/x")
	assert.NoFileExists(t, "/usr/bin/guest-test")
	assert.NoDirExists(t, "/usr/local/lib/guest-test")
	assert.Equal(t, 1, bash(t, b, "test -e /usr/bin/guest-test").exit.Code)
	if os.Geteuid() == 0 {
		before, err := os.Stat("/usr/bin/true")
		require.NoError(t, err)
		output(t, a, "echo changed > /usr/bin/true && rm /usr/bin/false && rm -r /usr/share/doc && mkdir /usr/share/doc")
		after, err := os.Stat("/usr/bin/true")
		require.NoError(t, err)
		assert.Equal(t, before.ModTime(), after.ModTime())
		assert.FileExists(t, "/usr/bin/false")
		assert.Equal(t, "", output(t, a, "ls /usr/share/doc"))
		assert.NotEmpty(t, output(t, b, "ls /usr/share/doc"))
	}
	for _, script := range []string{"mount -o remount,rw /usr", "mount -o remount,bind,rw /proc/sys", "umount /proc/sys", "umount /usr", "umount /etc",
		"mount -t tmpfs x /mnt", "mount --bind /usr /mnt", "mount -t proc proc /mnt", "mknod /tmp/disk b 254 0", "chroot / mount -t tmpfs x /mnt"} {
		assert.NotZero(t, bash(t, a, script).exit.Code, script)
	}
	// A user namespace of its own gives a process more rights, but not over these mounts.
	for _, script := range []string{"mount -o remount,bind,rw /proc/sys", "umount /proc/sys", "umount /usr", "mount -t proc proc /mnt"} {
		assert.NotZero(t, bash(t, a, "unshare -Urm "+script).exit.Code, script)
	}
}

// Looking is enough: to try it out by writing would change this machine.
func TestProcIsReadOnly(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	g := start(t, guest.Namespace)
	writable := output(t, g, `find /proc -mindepth 1 -maxdepth 4 -not -path '/proc/[0-9]*' -not -path '/proc/self*' -not -path '/proc/thread-self*' -not -type l -perm /222 -writable -print 2>/dev/null | head -20`)
	assert.Empty(t, writable)
	for _, path := range []string{"/proc/sys/vm/swappiness", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sysrq-trigger", "/proc/irq/default_smp_affinity"} {
		assert.NotEqual(t, 0, bash(t, g, "test -w "+path).exit.Code, path)
	}
	for _, path := range []string{"/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/kallsyms", "/proc/kmsg", "/proc/slabinfo"} {
		assert.Equal(t, "0", output(t, g, "cat "+path+" 2>/dev/null | wc -c"), path)
	}
	assert.Equal(t, "", output(t, g, "ls -A /sys"))
	assert.NotEmpty(t, output(t, g, "cat /proc/meminfo /proc/cpuinfo"))
}

func TestDevices(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	g := start(t, guest.Namespace)
	assert.Equal(t, "fd full null ptmx pts random shm stderr stdin stdout tty urandom zero", output(t, g, "ls -A /dev | tr '\\n' ' '"))
	assert.Equal(t, "", output(t, g, "find / -xdev -type b; find /dev -type b"))
	assert.Equal(t, "4", output(t, g, "head -c 4 /dev/urandom | wc -c"))
	assert.Equal(t, "hi", output(t, g, "echo hi > /dev/null; cat <(echo hi)"))
	assert.Equal(t, "1777", output(t, g, "stat -c %a /tmp /dev/shm /var/tmp | sort -u"))
	if python := bash(t, g, "command -v python3"); python.exit.Code == 0 {
		assert.Equal(t, "/dev/pts/0", output(t, g, `python3 -c 'import os; m, s = os.openpty(); print(os.ttyname(s))'`))
		assert.Equal(t, "3", output(t, g, `python3 -c 'import multiprocessing as m; q = m.Queue(); q.put(3); print(q.get())'`))
	}
}

func TestPrivileges(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	g := start(t, guest.Namespace)
	const container = "00000000800405fb" // chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service sys_chroot setfcap
	want := "CapInh 0000000000000000\nCapPrm " + container + "\nCapEff " + container + "\nCapBnd " + container + "\nCapAmb 0000000000000000\nNoNewPrivs 1"
	assert.Equal(t, want, output(t, g, `sed -n 's/^\(Cap...\|NoNewPrivs\):\t/\1 /p' /proc/self/status`))
	assert.Equal(t, "0 0 root", output(t, g, "echo $(id -u) $(id -g) $(id -un)"))
	assert.Equal(t, "0", output(t, g, "id -G"), "no group of the server's")
	assert.Equal(t, "sb-test", output(t, g, "hostname"))
	assert.NotZero(t, bash(t, g, "hostname other").exit.Code)
}

// The guest is pid 1 inside; nothing there may look into it or end it.
func TestGuestIsOutOfReach(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	g := start(t, guest.Namespace)
	for file, look := range map[string]string{"environ": "cat", "maps": "cat", "mem": "cat", "auxv": "cat", "io": "cat", "exe": "readlink",
		"fd/3": "readlink", "fd/0": "cat", "root": "readlink", "root/etc": "ls", "cwd/": "ls", "ns/pid": "readlink", "task/1/environ": "cat"} {
		r := bash(t, g, look+" /proc/1/"+file)
		assert.NotZero(t, r.exit.Code, file)
		assert.Empty(t, r.out, file)
	}
	output(t, g, "for s in $(seq 1 64); do kill -$s 1 2>/dev/null; done; true")
	output(t, g, "kill -9 -1; true || true")
	assert.Equal(t, "alive", output(t, g, "echo alive"))
	assert.Equal(t, "sandflare-guest", output(t, g, "tr -d '\\0' < /proc/1/cmdline"))
}

func TestHostIsUnseen(t *testing.T) {
	needNamespaces(t)
	t.Setenv("GUEST_TEST_SECRET", "of the host")
	g := start(t, guest.Namespace)
	assert.Empty(t, output(t, g, "env | grep GUEST_TEST; cat /proc/*/environ 2>/dev/null | grep -a 'of the host'; true"))
	assert.Equal(t, "1", output(t, g, "ls -d /proc/[0-9]* | wc -l | awk '{print ($1 < 8)}'"))
	for _, path := range []string{"/root/.ssh", "/run/docker.sock", "/var/run/docker.sock", "/run/systemd", "/sys/kernel", "/boot", "/etc/ssl/private", "/home/*/.bashrc", "/.dockerenv"} {
		assert.NotZero(t, bash(t, g, "ls "+path).exit.Code, path)
	}
	wd, err := os.Getwd()
	require.NoError(t, err)
	assert.NotZero(t, bash(t, g, "ls "+wd).exit.Code)
	assert.NotContains(t, output(t, g, "cat /etc/shadow"), "$")
	assert.Equal(t, "root:x:0:0:root:/home/user:/bin/bash", output(t, g, "grep ^root: /etc/passwd"))
	assert.Equal(t, "127.0.1.1", output(t, g, "getent hosts sb-test | cut -d' ' -f1"))
	assert.Equal(t, "kept", strings.TrimSpace(run(t, g, guest.Command{Args: []string{"bash", "-lc", "[ $PATH = /kept:/bin ] && echo kept"}, Env: []string{"PATH=/kept:/bin"}}).out))
}

// What of the host's /etc only root may read is not there; the rest is as on the host.
func TestEtc(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	g := start(t, guest.Namespace)
	inside := map[string]bool{}
	for _, path := range strings.Split(output(t, g, "find /etc ! -type d"), "\n") {
		inside[path] = true
	}
	err := filepath.WalkDir("/etc", func(path string, e os.DirEntry, err error) error {
		info, statErr := os.Stat(path)
		if err != nil || statErr != nil || e.IsDir() {
			return nil
		}
		if info.Mode()&0o004 == 0 && path != "/etc/shadow" {
			assert.False(t, inside[path], path)
		}
		return nil
	})
	require.NoError(t, err)
	for _, path := range []string{"/etc/ld.so.cache", "/etc/ssl/certs/ca-certificates.crt", "/etc/bash.bashrc"} {
		if host, err := os.ReadFile(path); err == nil {
			f, err := g.Open(path)
			require.NoError(t, err)
			content, err := io.ReadAll(f)
			require.NoError(t, err)
			require.NoError(t, f.Close())
			assert.Equal(t, host, content, path)
		}
	}
}

// The network is the host's, but not its abstract sockets (since Linux 6.12).
func TestAbstractSockets(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	var name syscall.Utsname
	require.NoError(t, syscall.Uname(&name))
	var release []byte
	for _, c := range name.Release {
		release = append(release, byte(c))
	}
	var major, minor int
	_, err := fmt.Sscanf(string(release), "%d.%d", &major, &minor)
	require.NoError(t, err)
	if major < 6 || major == 6 && minor < 12 {
		t.Skip("Landlock cannot do it before Linux 6.12")
	}
	address := "@guest-test-" + itoa(os.Getpid())
	l, err := net.Listen("unix", address)
	require.NoError(t, err)
	defer l.Close()
	g := start(t, guest.Namespace)
	if bash(t, g, "command -v python3").exit.Code != 0 {
		t.Skip("needs python3")
	}
	connect := `import socket; s = socket.socket(socket.AF_UNIX); s.connect("\0` + address[1:] + `")`
	r := run(t, g, guest.Command{Args: []string{"python3", "-c", connect}})
	assert.Contains(t, r.err, "PermissionError")
	within := `import socket; l = socket.socket(socket.AF_UNIX); l.bind("\0own"); l.listen(); s = socket.socket(socket.AF_UNIX); s.connect("\0own")`
	assert.Zero(t, run(t, g, guest.Command{Args: []string{"python3", "-c", within}}).exit.Code)
}

func init() { helpers["closed folders"] = closedFolders }

// closedFolders fills /opt of a mount namespace of its own and shows it to a sandbox.
func closedFolders() error {
	if err := ownOpt(); err != nil {
		return err
	}
	script := `cd /opt; umask 022; mkdir -p open/deep closed through; echo x > open/deep/file; echo secret > open/deep/secret; chmod 640 open/deep/secret
		echo secret > closed/file; chmod 700 closed; echo secret > through/file; chmod 711 through; mkfifo pipe; ln -s closed/file link`
	return inSandbox(script, `cd /opt; find . | sort | tr '\n' ' '; cat open/deep/secret closed/file through/file link 2>/dev/null; echo more > open/deep/new; cat open/deep/file`)
}

// ownOpt empties /opt for this process alone.
func ownOpt() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return err
	}
	return syscall.Mount("tmpfs", "/opt", "tmpfs", 0, "mode=0755")
}

func TestOnlyWhatEveryoneMayReadIsShown(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	cmd := helper("closed folders")
	cmd.SysProcAttr = ownMounts()
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Equal(t, ". ./link ./open ./open/deep ./open/deep/file x\n", string(out))
}

func init() { helpers["on an overlay"] = onAnOverlay }

// onAnOverlay keeps sandboxes on a file system that cannot hold their changes.
func onAnOverlay() error {
	dir := os.Getenv("GUEST_TEST_DIR")
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return err
	}
	for _, name := range []string{"low", "up", "work", "tmp"} {
		if err := os.Mkdir(dir+"/"+name, 0o700); err != nil {
			return err
		}
	}
	options := "lowerdir=" + dir + "/low,upperdir=" + dir + "/up,workdir=" + dir + "/work,userxattr"
	if err := syscall.Mount("overlay", dir+"/tmp", "overlay", 0, options); err != nil {
		return err
	}
	if err := os.Setenv("TMPDIR", dir+"/tmp"); err != nil {
		return err
	}
	return inSandbox("true", "echo kept > /usr/local/bin/x; rm -r /var/lib/misc 2>/dev/null; cat /usr/local/bin/x; stat -f -c %T /")
}

func TestChangesInMemory(t *testing.T) {
	t.Parallel()
	needSystemFolders(t)
	cmd := helper("on an overlay", "GUEST_TEST_DIR="+folder(t))
	cmd.SysProcAttr = ownMounts()
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Equal(t, "kept\noverlayfs\n", string(out))
}

// ownMounts gives a helper a mount namespace of its own, as an ordinary user through a user namespace.
func ownMounts() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	return attr
}
