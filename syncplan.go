package sandflare

import (
	"fmt"
	"path"
	"slices"
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

func (p *syncPlan) empty() bool { return len(p.files)+len(p.folders)+len(p.remove) == 0 }

// planner compares two trees, each sorted by name.
type planner struct {
	syncPlan
	source, target   []syncEntry
	inSource         map[string]syncEntry // what is synced of it
	inTarget         map[string]syncEntry
	touched          map[string]bool // folders whose time of change will be lost
	deleting, coarse bool
}

func planSync(source, target []syncEntry, deleting, coarse bool) (*syncPlan, error) {
	p := &planner{source: source, target: target, touched: map[string]bool{}, deleting: deleting, coarse: coarse}
	p.inSource = make(map[string]syncEntry, len(source))
	p.inTarget = make(map[string]syncEntry, len(target))
	for _, e := range source {
		if e.kind.synced() && !e.out {
			p.inSource[e.name] = e
		}
	}
	for _, e := range target {
		p.inTarget[e.name] = e
	}
	if err := p.planRemovals(); err != nil {
		return nil, err
	}
	p.planFiles()
	p.planFolders()
	p.planOpening()
	return &p.syncPlan, nil
}

// planRemovals looks at each folder after what lies in it: a folder stays when
// something in it does.
func (p *planner) planRemovals() error {
	blocking, holds := p.blocking(), map[string]string{}
	for _, e := range slices.Backward(p.target) {
		_, wanted := p.inSource[e.name]
		keeps := holds[e.name]
		switch {
		case e.out || !blocking[e.name] && (wanted || !p.deleting):
			keeps = e.name
		case keeps == "":
			p.remove = append(p.remove, e)
			p.touched[path.Dir(e.name)] = true
		case blocking[e.name]:
			return fmt.Errorf("%q has to be replaced, but %q in it is excluded", e.name, keeps)
		}
		if keeps != "" {
			holds[path.Dir(e.name)] = keeps
		}
	}
	return nil
}

// blocking are entries of the target in whose place another type comes, and what lies in them.
func (p *planner) blocking() map[string]bool {
	found := map[string]bool{}
	for _, e := range p.target {
		if wanted, ok := p.inSource[e.name]; ok && wanted.kind != e.kind || found[path.Dir(e.name)] {
			found[e.name] = true
		}
	}
	return found
}

func (p *planner) planFiles() {
	for _, e := range p.source {
		if _, ok := p.inSource[e.name]; !ok || e.kind == isFolder {
			continue
		}
		p.count++
		if old, ok := p.inTarget[e.name]; !ok || !e.same(old, p.coarse) {
			p.files = append(p.files, e)
			p.total += e.bytes()
			p.touched[path.Dir(e.name)] = true
		}
	}
}

// planFolders takes a folder too when something in it changes.
func (p *planner) planFolders() {
	for _, e := range slices.Backward(p.source) {
		if _, ok := p.inSource[e.name]; !ok || e.kind != isFolder {
			continue
		}
		old, ok := p.inTarget[e.name]
		if !ok || old.kind != isFolder {
			p.touched[path.Dir(e.name)] = true
		}
		if !ok || !e.same(old, p.coarse) || p.touched[e.name] {
			p.folders = append(p.folders, e)
		}
	}
}

// planOpening finds the folders in which something changes and may not.
func (p *planner) planOpening() {
	const ours = 0o300
	for _, e := range p.target {
		if e.kind == isFolder && !e.out && p.touched[e.name] && e.mode&ours != ours {
			p.open = append(p.open, e)
		}
	}
}
