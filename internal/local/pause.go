package local

import "github.com/sandflare/sandflare-go/internal/local/guest"

// pause stops every process; resume lets them go on. Both may be repeated.
func (sb *sandbox) pause() error { return sb.setPaused(true, sb.guest.Pause) }

func (sb *sandbox) resume() error { return sb.setPaused(false, sb.guest.Resume) }

func (sb *sandbox) setPaused(to bool, do func() error) error {
	sb.gate.Lock()
	defer sb.gate.Unlock()
	if sb.status() == stopped {
		return sb.isStopped()
	}
	if sb.paused.Load() == to {
		return nil
	}
	if err := do(); err != nil {
		return err
	}
	sb.paused.Store(to)
	return nil
}

// whileReady calls do while the sandbox is ready and stays so.
func (sb *sandbox) whileReady(do func() error) error {
	sb.gate.RLock()
	defer sb.gate.RUnlock()
	switch sb.status() {
	case paused:
		return conflict("sandbox %s is paused: resume it first", sb.name)
	case stopped:
		return sb.isStopped()
	}
	return do()
}

// isStopped tells a sandbox that was removed from one that ended by itself.
func (sb *sandbox) isStopped() error {
	sb.mu.Lock()
	defer sb.mu.Unlock()
	if sb.gone {
		return guest.ErrEnded
	}
	return conflict("sandbox %s has stopped: all its processes ended", sb.name)
}

func (sb *sandbox) status() string {
	select {
	case <-sb.guest.Done():
		return stopped
	default:
	}
	if sb.paused.Load() {
		return paused
	}
	return ready
}
