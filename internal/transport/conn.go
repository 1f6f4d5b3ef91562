package transport

import (
	"context"
	"net"
	"sync"
	"time"
)

// answerWait is how long a broken write waits for the answer that explains it.
const answerWait = 250 * time.Millisecond

// A patientConn reports a broken write only after everything that had come in
// before was read. A server that refuses an upload answers and hangs up while
// bytes are still being sent; net/http would drop the answer for "broken pipe".
type patientConn struct {
	net.Conn
	once sync.Once
	over chan struct{} // closed when nothing more will be read
}

func dialPatiently(dialer *net.Dialer) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &patientConn{Conn: conn, over: make(chan struct{})}, nil
	}
}

func (c *patientConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		c.end()
	}
	return n, err
}

func (c *patientConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err != nil {
		select {
		case <-c.over:
		case <-time.After(answerWait):
		}
	}
	return n, err
}

func (c *patientConn) Close() error {
	c.end()
	return c.Conn.Close()
}

func (c *patientConn) end() { c.once.Do(func() { close(c.over) }) }
