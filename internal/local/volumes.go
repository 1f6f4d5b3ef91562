package local

import (
	"cmp"
	"encoding/json"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/sandflare/sandflare-go/internal/local/guest"
	"github.com/sandflare/sandflare-go/internal/wire"
)

const defaultVolumeGB = 10

// volumes are folders that outlive sandboxes.
type volumes struct {
	store    *store
	mu       sync.Mutex
	all      map[string]wire.Volume
	attached map[string][]string // sandbox → volume ids
}

func openVolumes(dir string, durable bool) (*volumes, error) {
	store, err := openStore(dir, durable)
	if err != nil {
		return nil, err
	}
	v := &volumes{store: store, all: map[string]wire.Volume{}, attached: map[string][]string{}}
	return v, store.load(func(id string, data []byte) error {
		var vol wire.Volume
		err := json.Unmarshal(data, &vol)
		v.all[id] = vol
		return err
	})
}

func (v *volumes) create(vol wire.Volume) (wire.Volume, error) {
	if err := checkVolumeName(vol.Name); err != nil {
		return vol, err
	}
	if vol.SizeGB = cmp.Or(vol.SizeGB, defaultVolumeGB); vol.SizeGB < 1 {
		return vol, badRequest("size_gb is %d: use 1 or more", vol.SizeGB)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, taken := v.find(vol.Name); taken {
		return vol, conflict("there is a volume %q already", vol.Name)
	}
	vol.Status = ready
	if err := v.store.add(vol.ID, vol, nil); err != nil {
		return vol, err
	}
	v.all[vol.ID] = vol
	return vol, nil
}

func checkVolumeName(name string) error {
	if name == "" || len(name) > 255 || strings.ContainsAny(name, "/\x00") || name == "." || name == ".." {
		return badRequest("%q is no name for a volume", name)
	}
	return nil
}

// find looks for an id first; callers hold mu.
func (v *volumes) find(nameOrID string) (wire.Volume, bool) {
	if vol, ok := v.all[nameOrID]; ok {
		return vol, true
	}
	for _, vol := range v.all {
		if vol.Name == nameOrID {
			return vol, true
		}
	}
	return wire.Volume{}, false
}

func (v *volumes) get(nameOrID string) (wire.Volume, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	vol, ok := v.find(nameOrID)
	if !ok {
		return vol, notFound("there is no volume %q", nameOrID)
	}
	return vol, nil
}

// list returns the volumes, oldest first.
func (v *volumes) list() []wire.Volume {
	v.mu.Lock()
	defer v.mu.Unlock()
	list := []wire.Volume{}
	for _, vol := range v.all {
		list = append(list, vol)
	}
	slices.SortFunc(list, func(a, b wire.Volume) int { return a.CreatedAt.Compare(b.CreatedAt.Time) })
	return list
}

// remove takes an id or a name. A volume in use stays.
func (v *volumes) remove(nameOrID string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	vol, ok := v.find(nameOrID)
	if !ok {
		return notFound("there is no volume %q", nameOrID)
	}
	for sandbox, ids := range v.attached {
		if slices.Contains(ids, vol.ID) {
			return conflict("volume %q is attached to sandbox %s", vol.Name, sandbox)
		}
	}
	delete(v.all, vol.ID)
	return v.store.remove(vol.ID)
}

// attach finds the folders for mount paths; they stay until release.
func (v *volumes) attach(sandbox string, tier guest.Tier, mounts map[string]string) (map[string]string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	dirs := map[string]string{}
	var ids []string
	for mount, nameOrID := range mounts {
		if err := checkMount(tier, mount); err != nil {
			return nil, err
		}
		vol, ok := v.find(nameOrID)
		if !ok {
			return nil, notFound("there is no volume %q", nameOrID)
		}
		dirs[mount] = v.store.tree(vol.ID)
		ids = append(ids, vol.ID)
	}
	v.attached[sandbox] = ids
	return dirs, nil
}

func (v *volumes) release(sandbox string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.attached, sandbox)
}

// checkMount refuses places that the sandbox itself needs, and in the process
// tier those that are the host's.
func checkMount(tier guest.Tier, mount string) error {
	if !path.IsAbs(mount) || path.Clean(mount) != mount || strings.ContainsRune(mount, 0) {
		return badRequest("mount path %q: use a plain absolute path, as /data", mount)
	}
	if slices.Contains([]string{"/", "/tmp", "/home", home, "/run", "/var"}, mount) { // a sandbox's own files lie there
		return badRequest("mount path %q: use a folder below it", mount)
	}
	for _, system := range []string{"/proc", "/sys", "/dev", "/etc", "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/var/lib"} {
		if within(mount, system) {
			return badRequest("mount path %q: %s is the system's own", mount, system)
		}
	}
	if tier != guest.Namespace && !within(mount, home) && !within(mount, "/tmp") {
		return badRequest("mount path %q: with isolation %q volumes are mounted under %s and /tmp only", mount, tier, home)
	}
	return nil
}

func within(name, dir string) bool { return name == dir || strings.HasPrefix(name, dir+"/") }
