package guest

import (
	"os"
	"syscall"
)

const prSetChildSubreaper = 36

// setup makes the sandbox around the guest.
func (s *server) setup() error {
	s.tree.server = s
	if err := s.restore(); err != nil {
		return doing("restore "+s.From, err)
	}
	if s.Tier == ProcessTier {
		return s.setupProcess()
	}
	if err := s.setupNamespace(); err != nil {
		return err
	}
	return dropPrivileges()
}

// setupProcess has only folders of its own to make; orphans come to the guest, so that none is lost.
func (s *server) setupProcess() error {
	s.root = s.Dir + "/root"
	s.home = s.root + home
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prSetChildSubreaper, 1, 0); errno != 0 {
		return doing("become a subreaper", errno)
	}
	return s.ownFolders(s.root)
}

// setupNamespace turns the host's tree into the sandbox's. Everything of the
// host's is taken hold of first, then the root is changed, then it is put in place.
func (s *server) setupNamespace() error {
	s.home = home
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return doing("make mounts private", err)
	}
	root := s.Dir + "/root"
	if err := s.ownFolders(root); err != nil {
		return err
	}
	plan, err := s.plan()
	if err != nil {
		return err
	}
	if err := enter(root); err != nil {
		return err
	}
	if err := plan.place(); err != nil {
		return err
	}
	if err := syscall.Sethostname([]byte(s.Name)); err != nil {
		return doing("set the host name", err)
	}
	return doing("enter "+home, os.Chdir(home))
}

// enter makes folder the root and lets go of the host's tree.
func enter(folder string) error {
	root, err := cloneTree(folder, false)
	if err != nil {
		return err
	}
	if err := root.restrict(mountNoSuid | mountNoDev); err != nil {
		return err
	}
	if err := root.move(folder); err != nil {
		return err
	}
	if err := os.Chdir(folder); err != nil {
		return doing("enter the tree", err)
	}
	if err := syscall.PivotRoot(".", "."); err != nil {
		return doing("pivot_root", err)
	}
	if err := syscall.Unmount(".", syscall.MNT_DETACH); err != nil { // the old root lies on top of the new one
		return doing("leave the host's tree", err)
	}
	return doing("enter /", os.Chdir("/"))
}

// folder is a folder to make, parents first.
type folder struct {
	path string
	mode os.FileMode
}

var (
	processFolders   = []folder{{"home", 0o755}, {"home/user", 0o755}, {"tmp", 0o777 | os.ModeSticky}}
	namespaceFolders = []folder{{"dev", 0o755}, {"etc", 0o755}, {"media", 0o755}, {"mnt", 0o755}, {"opt", 0o755}, {"proc", 0o755},
		{"root", 0o700}, {"run", 0o755}, {"run/lock", 0o777 | os.ModeSticky}, {"srv", 0o755}, {"sys", 0o755}, {"usr", 0o755},
		{"var", 0o755}, {"var/cache", 0o755}, {"var/cache/apt", 0o755}, {"var/cache/apt/archives", 0o755}, {"var/lib", 0o755},
		{"var/log", 0o755}, {"var/log/apt", 0o755}, {"var/mail", 0o755}, {"var/spool", 0o755},
		{"var/tmp", 0o777 | os.ModeSticky}, {"workspace", 0o755}}
)

// ownFolders makes the folders that every sandbox has; what is there stays as it is.
func (s *server) ownFolders(root string) error {
	if err := os.MkdirAll(root, 0o755); err != nil {
		return doing("make the tree", err)
	}
	tree, err := os.OpenRoot(root) // in a restored tree any of them may be a link that leads outside
	if err != nil {
		return doing("open the tree", err)
	}
	defer tree.Close()
	list := processFolders
	if s.Tier == Namespace {
		list = append(list[:len(list):len(list)], namespaceFolders...)
	}
	for _, f := range list {
		if err := tree.Mkdir(f.path, f.mode.Perm()); err == nil && f.mode&os.ModeSticky != 0 {
			tree.Chmod(f.path, f.mode)
		}
	}
	return nil
}
