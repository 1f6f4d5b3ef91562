package local

import "time"

func (e *engine) setTimers(sb *sandbox) {
	if sb.spec.TTLHours > 0 {
		e.expireAt(sb, sb.created.Add(time.Duration(sb.spec.TTLHours)*time.Hour))
	}
	if sb.spec.AutoSnapshotIntervalMins > 0 {
		e.autoSnapshot(sb, time.Duration(sb.spec.AutoSnapshotIntervalMins)*time.Minute)
	}
}

// expireAt sets or moves the time at which a sandbox is gone.
func (e *engine) expireAt(sb *sandbox, at time.Time) {
	sb.mu.Lock()
	defer sb.mu.Unlock()
	if sb.gone {
		return
	}
	e.clock.cancel(sb.expiry)
	sb.expires = at
	sb.expiry = e.clock.schedule(at, func() { _ = e.remove(sb.name) }) // gone is gone
}

const maxKeepAlive = 24 * 60 * 60 // seconds

// keepAlive moves a sandbox's end to that many seconds from now.
func (e *engine) keepAlive(sb *sandbox, seconds int) (time.Time, error) {
	if seconds < 1 || seconds > maxKeepAlive {
		return time.Time{}, badRequest("timeout is %d: use 1 to %d seconds", seconds, maxKeepAlive)
	}
	at := e.clock.now().Add(time.Duration(seconds) * time.Second)
	e.expireAt(sb, at)
	return at, nil
}
