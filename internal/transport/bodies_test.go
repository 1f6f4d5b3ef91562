package transport_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/transport"
	"github.com/sandflare/sandflare-go/internal/wire"
)

func stringReader(s string) io.Reader { return strings.NewReader(s) }

func cutBody(t *testing.T) {
	for name, reply := range map[string]string{
		"length":  "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"stdout\":\"half",
		"chunked": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nf\r\n{\"stdout\":\"half\r\n",
	} {
		s := raw(t, answer(reply), ok)
		resp, err := newClient(t, s.url).Do(t.Context(), read)
		require.NoError(t, err, name)
		assert.Equal(t, 2, resp.Attempts)

		s = raw(t, answer(reply), ok)
		_, err = newClient(t, s.url).Do(t.Context(), exec)
		assert.ErrorIs(t, err, io.ErrUnexpectedEOF, name)
		assert.True(t, failure(t, err).OutcomeUnknown)
		var cut *transport.CutError
		require.ErrorAs(t, err, &cut)
		assert.Equal(t, `{"stdout":"half`, string(cut.Body))
		assert.EqualValues(t, 1, s.conns.Load())

		s = raw(t, answer(reply))
		opened, err := newClient(t, s.url).Open(t.Context(), stream)
		require.NoError(t, err)
		_, err = io.ReadAll(opened.Body)
		assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
		opened.Body.Close()
	}
}

func cutWithoutFraming(t *testing.T) {
	half := "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{\"name\":\"sb"
	s := raw(t, answer(half), ok)
	resp, err := newClient(t, s.url).Do(t.Context(), read)
	require.NoError(t, err)
	assert.Equal(t, 2, resp.Attempts)
	_, err = newClient(t, raw(t, answer(half)).url).Do(t.Context(), exec)
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.True(t, failure(t, err).OutcomeUnknown)
	s = raw(t, answer(strings.Replace(half, "{", " \n{", 1)), ok)
	resp, err = newClient(t, s.url).Do(t.Context(), read)
	require.NoError(t, err)
	assert.Equal(t, 2, resp.Attempts, "blanks before the document do not hide that it is cut")
	file := transport.Request{Route: wire.FileRead, Segments: []string{"sb-1"}, Accept: "application/octet-stream"}
	resp, err = newClient(t, raw(t, answer(half)).url).Do(t.Context(), file)
	require.NoError(t, err, "a file may hold half a document")
	assert.Equal(t, `{"name":"sb`, string(resp.Body))
	for _, whole := range []string{"", "[1]", "{} ", "{not json", "text"} {
		resp, err := newClient(t, raw(t, answer("HTTP/1.0 200 OK\r\n\r\n"+whole)).url).Do(t.Context(), read)
		if assert.NoError(t, err, whole) {
			assert.Equal(t, whole, string(resp.Body))
		}
	}
}

func cutGzip(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	io.WriteString(w, `{"name":"`+strings.Repeat("sb-1 ", 1000)+`"}`)
	w.Close()
	reply := func(body string) string {
		return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(body), body)
	}
	resp, err := newClient(t, raw(t, answer(reply(packed.String()))).url).Do(t.Context(), read)
	require.NoError(t, err)
	assert.Len(t, resp.Body, 5011)

	_, err = newClient(t, raw(t, answer(reply(packed.String()[:40]))).url).Do(t.Context(), exec)
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.True(t, failure(t, err).OutcomeUnknown)

	_, err = newClient(t, raw(t, answer(reply(`{"not":"gzip at all"}`))).url).Do(t.Context(), exec)
	var protocol *transport.ProtocolError
	assert.ErrorAs(t, err, &protocol)
}

// endless writes until the client hangs up.
func endless(head string) func(net.Conn) {
	return func(conn net.Conn) {
		takeRequest(conn)
		io.WriteString(conn, head)
		for block := bytes.Repeat([]byte("x"), 32<<10); ; {
			if _, err := conn.Write(block); err != nil {
				return
			}
		}
	}
}

func endlessErrorBody(t *testing.T) {
	for _, head := range []string{"HTTP/1.1 400 No\r\n\r\n", "HTTP/1.1 400 No\r\nContent-Length: 1073741824\r\n\r\n"} {
		client := newClient(t, raw(t, endless(head)).url)
		_, err := client.Do(t.Context(), exec)
		_, openErr := client.Open(t.Context(), stream)
		assert.Len(t, status(t, err).Body, 64<<10)
		assert.Len(t, status(t, openErr).Body, 64<<10)
	}
}

func endlessAnswer(t *testing.T) {
	for _, head := range []string{"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n"} {
		s := raw(t, endless(head))
		small := exec
		small.Limit = 1 << 20
		_, err := newClient(t, s.url).Do(t.Context(), small)
		var large *transport.TooLargeError
		require.ErrorAs(t, err, &large)
		assert.EqualValues(t, 1<<20, large.Limit)
		assert.True(t, failure(t, err).OutcomeUnknown)

		_, err = newClient(t, s.url).Do(t.Context(), read)
		require.ErrorAs(t, err, &large)
		assert.EqualValues(t, 32<<20, large.Limit)
		assert.Equal(t, 1, failure(t, err).Attempts)
	}
}

// stallInBody: a control call ends with its timeout, a transfer with its stall
// limit, however long it takes as long as bytes move.
func stallInBody(t *testing.T) {
	reply := "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"
	hang := func(conn net.Conn) {
		takeRequest(conn)
		io.WriteString(conn, reply)
		conn.Read(make([]byte, 1))
	}
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := newClient(t, "http://127.0.0.1", inMemory(t, hang)).Do(t.Context(), exec)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.True(t, failure(t, err).OutcomeUnknown)
		assert.Equal(t, 30*time.Second, time.Since(start))
	})
	synctest.Test(t, func(t *testing.T) {
		transfer := read
		transfer.Timeout, transfer.Stall = -1, time.Minute
		slow := func(conn net.Conn) {
			takeRequest(conn)
			io.WriteString(conn, reply)
			for range 50 {
				time.Sleep(50 * time.Second)
				io.WriteString(conn, "x")
			}
			conn.Read(make([]byte, 1))
		}
		resp, err := newClient(t, "http://127.0.0.1", inMemory(t, slow)).Open(t.Context(), transfer)
		require.NoError(t, err)
		defer resp.Body.Close()
		io.ReadFull(resp.Body, make([]byte, 1))
		time.Sleep(10 * time.Minute) // a slow reader is not a stall
		start := time.Now()
		body, err := io.ReadAll(resp.Body)
		var timeout *transport.TimeoutError
		require.ErrorAs(t, err, &timeout)
		assert.True(t, timeout.Stalled)
		assert.Len(t, body, 50)
		assert.Greater(t, time.Since(start), 30*time.Minute)
	})
}

func TestStreamDeadlineHoldsAfterHeaders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limited := stream
		limited.Timeout = 5 * time.Minute
		hang := func(conn net.Conn) {
			takeRequest(conn)
			io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n: hello\n\n")
			conn.Read(make([]byte, 1))
		}
		start := time.Now()
		resp, err := newClient(t, "http://127.0.0.1", inMemory(t, hang)).Open(t.Context(), limited)
		require.NoError(t, err)
		defer resp.Body.Close()
		_, err = io.ReadAll(resp.Body)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 5*time.Minute, time.Since(start))
	})
}

func bodiesReadOnce(t *testing.T) {
	var got atomic.Value
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got.Store(fmt.Sprintln(len(body), r.ContentLength, r.TransferEncoding, r.Header.Get("Expect")))
		if r.Header.Get("Content-Type") == "application/fail" {
			w.WriteHeader(503)
		}
	})
	client := newClient(t, url)
	req := write
	for want, body := range map[string]*transport.Body{
		"5 5 [] \n":                         once(strings.NewReader("12345"), 5),
		"5 -1 [chunked] 100-continue\n":     once(strings.NewReader("12345"), -1),
		"0 -1 [chunked] 100-continue\n":     once(strings.NewReader(""), -1),
		"2000000 2000000 [] 100-continue\n": once(bytes.NewReader(make([]byte, 2_000_000)), 2_000_000),
	} {
		req.Body = body
		_, err := client.Do(t.Context(), req)
		require.NoError(t, err)
		assert.Equal(t, want, got.Load())
	}
	req.Body = once(strings.NewReader("12345"), -1)
	req.Body.ContentType = "application/fail"
	_, err := client.Do(t.Context(), req)
	assert.Equal(t, 503, status(t, err).Status)
	assert.Equal(t, 1, failure(t, err).Attempts)
	assert.Contains(t, err.Error(), "read only once")

	req.Body = once(strings.NewReader("12345"), -1) // as long as it was not read, it can be tried again
	_, err = newClient(t, closedPort(t)).Do(t.Context(), req)
	assert.Equal(t, 4, failure(t, err).Attempts)
}

func bodyFails(t *testing.T) {
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
	broken := errors.New("disk on fire")
	readers := map[string]func() io.Reader{
		"at once": func() io.Reader { return iotest.ErrReader(broken) },
		"later": func() io.Reader {
			return io.MultiReader(bytes.NewReader(make([]byte, 1<<20)), iotest.ErrReader(broken))
		},
	}
	for name, reader := range readers {
		for _, size := range []int64{-1, 10 << 20} {
			for _, replayable := range []bool{false, true} {
				opened := 0
				req := exec
				req.Body = &transport.Body{Size: size, Replayable: replayable, Open: func() (io.Reader, error) { opened++; return reader(), nil }}
				_, err := newClient(t, url).Do(t.Context(), req)
				assert.ErrorIs(t, err, broken, name)
				assert.False(t, failure(t, err).OutcomeUnknown)
				assert.Equal(t, 1, opened)
			}
		}
	}
	req := write
	req.Body = &transport.Body{Size: 5, Replayable: true, Open: func() (io.Reader, error) { return nil, broken }}
	_, err := newClient(t, url).Do(t.Context(), req)
	assert.ErrorIs(t, err, broken)
	req.Body.Size = 0
	_, err = newClient(t, url).Do(t.Context(), req)
	assert.ErrorIs(t, err, broken)
	assert.Zero(t, failure(t, err).Attempts)
	req.Body = once(strings.NewReader("123"), 5)
	_, err = newClient(t, url).Do(t.Context(), req)
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.Contains(t, err.Error(), "3 of 5")
	req.Body = once(strings.NewReader("123456"), 5)
	_, err = newClient(t, url).Do(t.Context(), req)
	assert.ErrorContains(t, err, "longer than the 5")
}

func earlyRefusal(t *testing.T) {
	for _, code := range []int{401, 413} {
		url := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
		for _, size := range []int64{-1, 64 << 20} {
			req := write
			req.Body = once(io.LimitReader(zeros{}, 64<<20), size)
			_, err := newClient(t, url).Do(t.Context(), req)
			assert.Equal(t, code, status(t, err).Status)
		}
	}
	// Half of the body is through when the refusal comes, and the connection is closed behind it.
	mid := func(conn net.Conn) {
		conn.Read(make([]byte, 4096))
		io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\n")
		io.ReadFull(conn, make([]byte, 1<<20))
		io.WriteString(conn, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		conn.(*net.TCPConn).CloseWrite()
		io.CopyN(io.Discard, conn, 1<<20)
	}
	for range 20 {
		req := write
		req.Body = &transport.Body{Size: 64 << 20, Replayable: true, Open: func() (io.Reader, error) { return io.LimitReader(zeros{}, 64<<20), nil }}
		_, err := newClient(t, raw(t, mid).url, func(c *transport.Config) { c.MaxRetries = 0 }).Do(t.Context(), req)
		assert.Equal(t, 413, status(t, err).Status)
	}
}

// A file of which the service took only a part is not written, whatever it says.
func earlySuccess(t *testing.T) {
	early := func(conn net.Conn) {
		http.ReadRequest(bufio.NewReaderSize(conn, 16))
		io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\n")
		io.ReadFull(conn, make([]byte, 1<<20))
		io.WriteString(conn, okAnswer)
		conn.(*net.TCPConn).CloseWrite()
		io.CopyN(io.Discard, conn, 1<<20)
	}
	zeroes := func() (io.Reader, error) { return io.LimitReader(zeros{}, 64<<20), nil }
	req := write
	req.Body = &transport.Body{Size: 64 << 20, Replayable: true, Open: zeroes}
	_, err := newClient(t, raw(t, early).url).Do(t.Context(), req)
	assert.ErrorContains(t, err, "without waiting for the end")
	assert.Equal(t, 4, failure(t, err).Attempts)
	req.Body = once(io.LimitReader(zeros{}, 64<<20), -1)
	_, err = newClient(t, raw(t, early).url).Do(t.Context(), req)
	assert.ErrorContains(t, err, "without waiting for the end")
	req.Body, req.Route = &transport.Body{Size: 64 << 20, Replayable: true, Open: zeroes}, wire.Exec
	s := raw(t, early)
	_, err = newClient(t, s.url).Do(t.Context(), req)
	assert.True(t, failure(t, err).OutcomeUnknown)
	assert.EqualValues(t, 1, s.conns.Load())
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// A caller may use its memory again as soon as the call has returned.
func TestBodyIsNotReadAfterReturn(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.CopyN(io.Discard, r.Body, 64<<10)
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	})
	client := newClient(t, url)
	for range 20 {
		data := make([]byte, 16<<20)
		req := write
		req.Body = &transport.Body{Size: int64(len(data)), Replayable: true, Open: func() (io.Reader, error) { return bytes.NewReader(data), nil }}
		_, err := client.Do(t.Context(), req)
		status(t, err)
		clear(data) // a data race, were it still being read
	}
}

// takingTurns is a reader that is slow to give.
type takingTurns struct{ left int }

func (r *takingTurns) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	r.left--
	time.Sleep(5 * time.Minute)
	return copy(p, "x"), nil
}

// A stall is the network's: a slow source is none, a server that stops reading is one.
func TestStallWhileSending(t *testing.T) {
	t.Parallel()
	upload := write
	upload.Timeout, upload.Stall = -1, time.Minute
	for _, replayable := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			upload.Body = &transport.Body{Size: 5, Replayable: replayable, Open: func() (io.Reader, error) { return &takingTurns{5}, nil }}
			_, err := newClient(t, "http://127.0.0.1", inMemory(t, ok)).Do(t.Context(), upload)
			assert.NoError(t, err)
		})
	}
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		upload.Body = once(zeros{}, 1<<20)
		deaf := func(conn net.Conn) {
			conn.Read(make([]byte, 4096))
			time.Sleep(time.Hour)
		}
		_, err := newClient(t, "http://127.0.0.1", inMemory(t, deaf)).Do(t.Context(), upload)
		var timeout *transport.TimeoutError
		require.ErrorAs(t, err, &timeout)
		assert.True(t, timeout.Stalled)
		assert.Equal(t, time.Minute, time.Since(start))
		time.Sleep(time.Hour)
	})
}

// The status is known: its text is not waited for long, however long the call may take.
func TestErrorBodyThatNeverEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		unlimited := stream
		unlimited.Timeout = -1
		start := time.Now()
		_, err := newClient(t, "http://127.0.0.1", inMemory(t, func(conn net.Conn) {
			takeRequest(conn)
			io.WriteString(conn, "HTTP/1.1 409 No\r\nContent-Length: 100\r\n\r\npaused")
			conn.Read(make([]byte, 1))
		})).Open(t.Context(), unlimited)
		assert.Equal(t, "paused", string(status(t, err).Body))
		assert.Equal(t, 10*time.Second, time.Since(start))
	})
}
