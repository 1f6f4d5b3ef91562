package sandflare

import (
	"fmt"
	"slices"
	"strings"
)

// syncPlan is what makes a target like its source.
type syncPlan struct {
	files   []syncEntry // and links, to be sent
	folders []syncEntry // to be made or to get their mode and time; what lies in one comes before it
	remove  []syncEntry // to be deleted or in the way; what lies in a folder comes before it
	open    []syncEntry // folders of the target that cannot be written to and have to
	count   int         // files and links of the source
	total   int64       // bytes of content to be sent
}

// planner compares two trees, in which each folder comes before what lies in it.
type planner struct {
	syncPlan
	source, target   []syncEntry
	old              []*syncEntry    // for each of source: what the target has by its name
	new              []*syncEntry    // for each of target: what the source has
	touched          map[string]bool // folders whose time of change will be lost
	deleting, coarse bool
}

func planSync(source, target []syncEntry, deleting, coarse bool) (*syncPlan, error) {
	p := &planner{source: source, target: target, touched: map[string]bool{}, deleting: deleting, coarse: coarse}
	p.pair()
	if err := p.planRemovals(); err != nil {
		return nil, err
	}
	p.planFiles()
	p.planFolders()
	p.planOpening()
	return &p.syncPlan, nil
}

// pair finds what has the same name in both trees.
func (p *planner) pair() {
	p.old, p.new = make([]*syncEntry, len(p.source)), make([]*syncEntry, len(p.target))
	at := make(map[string]int, len(p.target))
	for i, e := range p.target {
		at[e.name] = i
	}
	for i := range p.source {
		e := &p.source[i]
		if j, ok := at[e.name]; ok && e.wanted() {
			p.old[i], p.new[j] = &p.target[j], e
		}
	}
}

// planRemovals looks at each folder after what lies in it: a folder stays when
// something in it does.
func (p *planner) planRemovals() error {
	blocking, holds := p.blocking(), map[string]string{}
	for i, e := range slices.Backward(p.target) {
		keeps := holds[e.name]
		switch {
		case e.out || !blocking[e.name] && (p.new[i] != nil || !p.deleting):
			keeps = e.name
		case keeps == "":
			p.remove = append(p.remove, e)
			p.touched[e.parent()] = true
		case blocking[e.name]:
			return fmt.Errorf("%q has to be replaced, but %q in it is excluded", e.name, keeps)
		}
		if keeps != "" {
			holds[e.parent()] = keeps
		}
	}
	return nil
}

// blocking are entries of the target in whose place another type comes, and what lies in them.
func (p *planner) blocking() map[string]bool {
	found := map[string]bool{}
	for i, e := range p.target {
		if p.new[i] != nil && p.new[i].kind != e.kind || found[e.parent()] {
			found[e.name] = true
		}
	}
	return found
}

func (p *planner) planFiles() {
	for i, e := range p.source {
		if !e.wanted() || e.kind == isFolder {
			continue
		}
		p.count++
		if old := p.old[i]; old == nil || !e.same(old, p.coarse) {
			p.files = append(p.files, e)
			p.total += e.bytes()
			p.touched[e.parent()] = true
		}
	}
}

// planFolders takes a folder too when something in it changes.
func (p *planner) planFolders() {
	for i, e := range slices.Backward(p.source) {
		if !e.wanted() || e.kind != isFolder {
			continue
		}
		old := p.old[i]
		if old == nil || old.kind != isFolder {
			p.touched[e.parent()] = true
		}
		if old == nil || !e.same(old, p.coarse) || p.touched[e.name] {
			p.folders = append(p.folders, e)
		}
	}
}

// planOpening finds the folders in which something changes and may not.
func (p *planner) planOpening() {
	const ours = 0o300
	for _, e := range p.target {
		if e.kind == isFolder && !e.out && e.mode&ours != ours && p.touched[e.name] {
			p.open = append(p.open, e)
		}
	}
}

// parent is the name of the folder that an entry lies in; the tree's own is "".
func (e *syncEntry) parent() string { return e.name[:max(strings.LastIndexByte(e.name, '/'), 0)] }

// wanted reports whether an entry of a source is synced.
func (e *syncEntry) wanted() bool { return !e.out && e.kind.synced() }
