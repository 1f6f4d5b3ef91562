package transport

import (
	"io"
	"time"
)

// A watch ends an attempt that takes too long: in all, or without the network
// moving a byte. Time that the caller takes to give or take bytes is not counted.
type watch struct {
	total *time.Timer // nil: no limit
	idle  *time.Timer // nil: no limit
	stall time.Duration
}

func (w *watch) start(a *attempt) {
	req, cancel := a.call.req, a.cancel
	w.stall = req.Stall
	timeout := req.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	if deadline, ok := a.ctx.Deadline(); timeout > 0 && !(ok && deadline.Before(a.call.began.Add(timeout))) { // a timer is not free
		w.total = time.AfterFunc(timeout, func() { cancel(&TimeoutError{After: timeout}) })
	}
	if req.Stall > 0 {
		w.idle = time.AfterFunc(req.Stall, func() { cancel(&TimeoutError{After: req.Stall, Stalled: true}) })
	}
}

// network says that from now on the other side has to move.
func (w *watch) network() {
	if w.idle != nil {
		w.idle.Reset(w.stall)
	}
}

// caller says that the next move is not the network's.
func (w *watch) caller() {
	if w.idle != nil {
		w.idle.Stop()
	}
}

func (w *watch) stop() {
	w.caller()
	if w.total != nil {
		w.total.Stop()
	}
}

// answerBody is the body of an answer. Its errors are causes, and the
// attempt's limits hold until it is closed.
type answerBody struct {
	io.ReadCloser
	attempt *attempt
}

func (b *answerBody) Read(p []byte) (int, error) {
	b.attempt.watch.network()
	n, err := b.ReadCloser.Read(p)
	b.attempt.watch.caller()
	if err != nil && err != io.EOF {
		err, _ = b.attempt.cause(err)
	}
	return n, err
}

func (b *answerBody) Close() error {
	err := b.ReadCloser.Close()
	b.attempt.end()
	return err
}
