package transport_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Bytes from a reader that cannot be rewound arrive whole and in order, however it gives them.
func TestBodiesReadAhead(t *testing.T) {
	t.Parallel()
	var got bytes.Buffer
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got.Reset()
		io.Copy(&got, r.Body)
		io.WriteString(w, "{}")
	})
	client := newClient(t, url)
	data := make([]byte, 700_001)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(data) // never fails
	for name, how := range map[string]func(io.Reader) io.Reader{
		"whole": func(r io.Reader) io.Reader { return r }, "halves": iotest.HalfReader, "end with data": iotest.DataErrReader,
		"bytes": func(r io.Reader) io.Reader { return iotest.OneByteReader(io.LimitReader(r, 3000)) },
		"empty": func(io.Reader) io.Reader { return bytes.NewReader(nil) },
	} {
		want, err := io.ReadAll(how(bytes.NewReader(data)))
		require.NoError(t, err)
		for _, size := range []int64{-1, int64(len(want))} {
			req := write
			req.Body = once(how(bytes.NewReader(data)), size)
			_, err = client.Do(t.Context(), req)
			require.NoError(t, err, name)
			assert.True(t, bytes.Equal(want, got.Bytes()), name)
		}
	}
}

// An error behind bytes that were read already is still the caller's.
func TestReaderFailsWhileReadAhead(t *testing.T) {
	t.Parallel()
	client := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }))
	broken := errors.New("the disk is gone")
	req := write
	req.Body = once(io.MultiReader(bytes.NewReader(make([]byte, 500_000)), iotest.ErrReader(broken)), -1)
	_, err := client.Do(t.Context(), req)
	assert.ErrorIs(t, err, broken)
	assert.Equal(t, 1, failure(t, err).Attempts)
}
